import { parseFilter, type Selector, type Test } from "./parse.ts";

/** The value of a field; undefined when the object has none there. */
export type Field = string | undefined;

/** What an object says of a field path, e.g. of `["labels", "a", "b"]`. */
export type FieldReader<T> = (object: T, fieldPath: readonly string[]) => Field;

/** A compiled list of filters: an object matches when it matches one of them, or when there are none. */
export type Matcher<T> = (object: T) => boolean;

/** Compiles the filters of a request. @throws {ContainerError} invalid_argument */
export function compileFilters<T>(filters: readonly string[], read: FieldReader<T>): Matcher<T> {
  const parsed = filters.map(parseFilter);
  if (parsed.length === 0) return () => true;
  return (object) => parsed.some((selectors) => selectors.every((selector) => matches(selector, object, read)));
}

function matches<T>({ fieldPath, test }: Selector, object: T, read: FieldReader<T>): boolean {
  return passes(test, read(object, fieldPath));
}

/** As containerd has it: a field that is not there is unequal to everything, and matches expressions as "". */
function passes(test: Test, value: Field): boolean {
  switch (test.operator) {
    case "present":
      return value !== undefined;
    case "==":
      return value === test.value;
    case "!=":
      return value !== test.value;
    case "~=":
      return test.expression.test(value ?? "");
  }
}

/** A field with a value of its own: an empty one counts as not there. */
export function scalar(value: string): Field {
  return value === "" ? undefined : value;
}

/** A field below `labels` or `annotations`: whatever follows is the key, dots and all. */
export function entryOf(map: ReadonlyMap<string, string>, fieldPath: readonly string[]): Field {
  return map.get(fieldPath.slice(1).join("."));
}
