/** RFC 9113 § 7 */
export const CODE = {
  ...{ noError: 0, protocolError: 1, flowControlError: 3, frameSizeError: 6, refusedStream: 7, cancel: 8 },
  ...{ compressionError: 9, enhanceYourCalm: 11 },
} as const;

/** The other side does not keep to RFC 9113 or RFC 7541: the connection is of no use any more. */
export class Http2Error extends Error {
  override readonly name = "Http2Error";
  /** One of `CODE`, for the other side. */
  readonly code: number;

  constructor(message: string, code: number = CODE.protocolError) {
    super(message);
    this.code = code;
  }
}
