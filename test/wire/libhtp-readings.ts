/**
 * What observing makes of libhtp's conversations: first all requests, then all responses, each as its head (method or status,
 * version), what was noted of it, and how it ended with how many bytes of body. What is worth a second look:
 *
 * - Answers in HTTP/1.0 without keep-alive are followed by others in these made-up conversations: bytes-after-close.
 * - `10-host` and `39-auto`: three answers without an empty line run into one head, which the end of the stream cuts.
 * - `16-connect` and `79-connect`: the CONNECT is refused, and what follows it is a request; so both are read.
 * - `38-invalid`: a request with an unknown coding has no framing; its body is passed over.
 * - `70-response`: a chunk size of "g" loses the framing. `78-response`: no status line, and no request without version.
 * - `91-request`: a body that nothing announced is passed over, up to the next request.
 */
export const libhtpReadings: Readonly<Record<string, string>> = {
  '00-adhoc.t': 'bare-lf, GET 1.0, complete 0, bare-lf, 200 1.0, complete 12',
  '02-header-test-apache2.t':
    'obs-fold, field-name-invalid, space-before-colon, control-in-value, GET 1.0, complete 0, 200 1.0, complete 12',
  '03-post-urlencoded.t':
    'POST 1.0, complete 12, bytes-after-close, GET 1.0, complete 0, 200 1.0, complete 12, bytes-after-close, transfer-encoding-in-http-1-0, 200 1.0, complete 10',
  '05-expect.t':
    'bare-lf, host-missing, POST 1.1, cut-short, cut 210, bare-lf, 100 1.1, complete 0, bare-lf, 200 1.1, complete 45',
  '06-uri-normal.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '08-not-pipelined-connection.t':
    'host-missing, GET 1.1, complete 0, host-missing, GET 1.1, complete 0, 200 1.0, complete 12, bytes-after-close, 200 1.0, complete 12',
  '10-host-in-headers.t':
    'GET 1.1, complete 0, GET 1.1, complete 0, GET 1.1, complete 0, GET 1.1, complete 0, 200 1.0, complete 12, bytes-after-close, cut-short, cut 0',
  '12-connect-request.t': 'CONNECT 1.0, complete 0, 405 1.1, complete 230',
  '13-compressed-response-gzip-ct.t': 'GET 1.1, complete 0, 302 1.0, complete 187',
  '16-connect-extra.t':
    'CONNECT 1.1, complete 0, HEAD 1.0, complete 0, 301 1.1, complete 235, empty-line-before-message, 301 1.1, complete 0',
  '19-urlencoded-test.t': 'POST 1.0, complete 11, 200 1.0, complete 12',
  '20-ambiguous-host.t':
    'GET 1.1, complete 0, GET 1.1, complete 0, POST 1.1, complete 8, POST 1.1, complete 8, POST 1.1, complete 8, 200 1.1, complete 8, 200 1.1, complete 8, 200 1.1, complete 8, 200 1.1, complete 8, 200 1.1, complete 8',
  '22-http_1_1-host_missing': 'host-missing, GET 1.1, complete 0, 200 1.0, complete 12',
  '22-php-param-processing.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '25-small-chunks.t': 'bare-lf, GET 1.0, complete 0, bare-lf, 200 1.0, complete 12',
  '28-response-headers-raw.t': 'GET 1.0, complete 0, transfer-encoding-in-http-1-0, 200 1.0, complete 12',
  '29-response-trailer-raw.t': 'GET 1.0, complete 0, transfer-encoding-in-http-1-0, 200 1.0, complete 12',
  '31-get-request-line-nul.t': 'target-invalid, GET 1.0, complete 0, 200 1.0, complete 12',
  '34-invalid-hostname.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '38-invalid-request-3-invalid-t-e.t':
    'transfer-encoding-not-chunked, transfer-encoding-unknown, POST 1.1, complete 0, not-http, abandoned 0, skipped 38, 200 1.0, complete 12',
  '39-auto-destroy-crash.t':
    'GET 1.1, complete 0, GET 1.1, complete 0, GET 1.1, complete 0, GET 1.1, complete 0, 200 1.0, complete 12, bytes-after-close, cut-short, cut 0',
  '41-auth-digest.t': 'obs-fold, GET 1.1, complete 0',
  '43-invalid-protocol.t': 'not-http, abandoned 0, skipped 18',
  '49-invalid-response-headers-2.t': 'GET 1.0, complete 0, field-name-invalid, 200 1.0, complete 12',
  '51-get-ipv6-invalid.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '52-invalid-path.t': 'target-invalid, GET 1.0, complete 0, 200 1.0, complete 12',
  '53-path-utf8-none.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '56-path-utf8-overlong-3.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '57-path-utf8-overlong-4.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '58-path-utf8-invalid.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '59-path-utf8-fullwidth.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '60-request-cookies.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '61-empty-line-between-requests.t':
    'host-missing, GET 1.1, complete 0, host-missing, GET 1.1, complete 0, 200 1.0, complete 12, bytes-after-close, 200 1.0, complete 12',
  '69-long-response-header.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '70-response-invalid-chunk-length.t':
    'GET 1.0, complete 0, transfer-encoding-in-http-1-0, 200 1.0, chunk-size-invalid, abandoned 0, skipped 25',
  '71-response-split-chunk.t': 'GET 1.0, complete 0, transfer-encoding-in-http-1-0, 200 1.0, complete 10',
  '72-response-split-body.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '75-response-invalid-cl.t': 'GET 1.0, complete 0, length-invalid, 200 1.0, complete 12',
  '77-response-folded-headers.t':
    'POST 1.0, complete 12, bytes-after-close, GET 1.0, complete 0, obs-fold, 200 1.0, complete 0, bytes-after-close, transfer-encoding-in-http-1-0, 200 1.0, complete 10',
  '78-response-no-status-headers.t': 'GET 1.0, complete 0, not-http, abandoned 0, skipped 13',
  '79-connect-invalid-hostport.t':
    'target-invalid, CONNECT 1.1, complete 0, HEAD 1.0, complete 0, 301 1.1, complete 235, not-http, abandoned 0, skipped 9, 301 1.1, complete 0',
  '81-hostname-invalid-2.t': 'GET 1.0, complete 0, 200 1.0, complete 12',
  '82-put.t': 'PUT 1.0, complete 12, 200 1.0, complete 12',
  '85-zero-byte-request-timeout.t': 'bare-lf, 408 1.0, complete 218',
  '86-partial-request-timeout.t': 'cut-short, cut 0, bare-lf, 408 1.0, complete 218',
  '88-response-multiple-cl-mismatch.t': 'GET 1.0, complete 0, lengths-differ, 200 1.0, complete 12',
  '91-request-unexpected-body.t':
    'POST 1.1, complete 0, not-http, abandoned 0, skipped 24, GET 1.1, complete 0, 200 1.1, complete 0',
  '92-http_0_9-method_only.t': 'version-missing, GET 0.9, complete 0',
  '93-compressed-response-deflateasgzip.t': 'GET 1.1, complete 0, 200 1.1, complete 755',
  '94-compressed-response-multiple.t': 'GET 1.0, complete 0, status-line-invalid, 200 1.1, complete 51',
  '98-responses-cut.t':
    'host-missing, GET 1.1, complete 0, cut-short, cut 0, 200 1.0, complete 14, bytes-after-close, 200 1.0, complete 13',
};
