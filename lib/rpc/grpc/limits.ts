/** As containerd and its clients have it. */
export const MAX_MESSAGE_BYTES = 16 * 2 ** 20;
