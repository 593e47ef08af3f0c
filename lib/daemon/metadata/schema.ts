/**
 * The tables. A change is a further entry: the database's `user_version` says how many have been applied. Labels are JSON
 * objects, times nanoseconds since 1970.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE images (
    namespace TEXT NOT NULL REFERENCES namespaces, name TEXT NOT NULL,
    media_type TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, annotations TEXT NOT NULL,
    labels TEXT NOT NULL, created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE containers (
    namespace TEXT NOT NULL REFERENCES namespaces, id TEXT NOT NULL,
    image TEXT NOT NULL, runtime TEXT NOT NULL, options_type TEXT, options BLOB,
    spec_type TEXT NOT NULL, spec BLOB NOT NULL,
    snapshotter TEXT NOT NULL, snapshot_key TEXT NOT NULL, sandbox TEXT NOT NULL,
    labels TEXT NOT NULL, created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE container_extensions (
    namespace TEXT NOT NULL, container TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (namespace, container, name),
    FOREIGN KEY (namespace, container) REFERENCES containers ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    namespace TEXT NOT NULL REFERENCES namespaces, id TEXT NOT NULL,
    labels TEXT NOT NULL, created_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE lease_resources (
    namespace TEXT NOT NULL, lease TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (namespace, lease, type, id),
    FOREIGN KEY (namespace, lease) REFERENCES leases ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE blobs (
    namespace TEXT NOT NULL REFERENCES namespaces, digest TEXT NOT NULL, size INTEGER NOT NULL,
    labels TEXT NOT NULL, created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blobs_by_digest ON blobs (digest);

  CREATE TABLE ingests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL REFERENCES namespaces, ref TEXT NOT NULL,
    expected TEXT NOT NULL, total INTEGER NOT NULL,
    started_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL, expires_ns INTEGER,
    UNIQUE (namespace, ref)
  ) STRICT;

  CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL REFERENCES namespaces, snapshotter TEXT NOT NULL, key TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('view', 'active', 'committed')),
    parent INTEGER REFERENCES snapshots, size INTEGER NOT NULL, inodes INTEGER NOT NULL,
    labels TEXT NOT NULL, created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    UNIQUE (namespace, snapshotter, key)
  ) STRICT;
  CREATE INDEX snapshots_by_parent ON snapshots (parent);
  `,
  `
  CREATE TABLE sandboxes (
    namespace TEXT NOT NULL REFERENCES namespaces, id TEXT NOT NULL,
    runtime TEXT NOT NULL, options_type TEXT, options BLOB, spec_type TEXT, spec BLOB, sandboxer TEXT NOT NULL,
    labels TEXT NOT NULL, created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sandbox_extensions (
    namespace TEXT NOT NULL, sandbox TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (namespace, sandbox, name),
    FOREIGN KEY (namespace, sandbox) REFERENCES sandboxes ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  `,
];
