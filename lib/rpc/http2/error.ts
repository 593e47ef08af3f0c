/** The other side does not keep to RFC 9113 or RFC 7541: the connection is of no use any more. */
export class Http2Error extends Error {
  override readonly name = "Http2Error";
}
