/** What a resource limit comes down to: a value for a file of the container's cgroup. */
export interface CgroupFile {
  /** The controller the file belongs to, as in cgroup.controllers or /proc/self/cgroup. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** RFC 6901 pointer of the limit. */
  readonly from: string;
  /** The kernel may lack the file, for a value that is its default anyway. */
  readonly optional?: true;
}
