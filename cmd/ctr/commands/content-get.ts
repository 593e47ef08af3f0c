import { RemoteContent } from "../../../lib/client/images/content.ts";
import { required } from "../../args.ts";
import { path } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { writeOutput } from "../file-output.ts";

export const contentGetCommand = ctrCommand({
  name: "content get",
  summary: "print a blob as it is",
  args: { digest: required("digest", "digest of the blob", (given) => given) },
  flags: { output: path("file to write to; standard output if not given", { label: "FILE", short: "o" }) },
  run: async (context, { digest }, { output }) => {
    const client = await context.connect();
    await writeOutput(context, output, new RemoteContent(client).open(digest, 0));
    return 0;
  },
});
