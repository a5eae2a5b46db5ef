//! As much of HTTP/1.1 as a client needs that keeps its connection: requests with a length or in chunks, responses
//! with a length or in chunks.

use std::io::{self, BufRead, Read as _, Write};

use serde_json::Value;

/// No request that a test sends is longer.
const LONGEST_BODY: u64 = 64 * 1024 * 1024;

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without its query.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads the next one; none when the connection has ended.
    pub(super) fn read(
        input: &mut impl BufRead,
        output: &mut impl Write,
    ) -> io::Result<Option<Self>> {
        let mut first = String::new();
        if input.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut words = first.split_ascii_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(malformed("no request line"));
        };
        let mut length = 0;
        let mut chunked = false;
        loop {
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                return Err(malformed("no end of the headers"));
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed("no header"))?;
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().map_err(|_| malformed("no length"))?,
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "expect" => output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
                _ => {}
            }
        }
        let body = if chunked {
            read_chunks(input)?
        } else {
            read_exactly(input, length)?
        };
        let path = target.split('?').next().unwrap_or_default();
        Ok(Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            body,
        }))
    }
}

fn read_exactly(input: &mut impl BufRead, length: u64) -> io::Result<Vec<u8>> {
    if length > LONGEST_BODY {
        return Err(malformed("the body is too long"));
    }
    let mut body = Vec::new();
    input.take(length).read_to_end(&mut body)?;
    if body.len() as u64 == length {
        Ok(body)
    } else {
        Err(malformed("the body is cut"))
    }
}

fn read_chunks(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| malformed("no size of a chunk"))?;
        if size + body.len() as u64 > LONGEST_BODY {
            return Err(malformed("the body is too long"));
        }
        body.extend(read_exactly(input, size)?);
        let mut end = String::new();
        input.read_line(&mut end)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A whole response.
pub(super) fn json(
    output: &mut impl Write,
    status: u16,
    headers: &[(&str, String)],
    body: &Value,
) -> io::Result<()> {
    let body = body.to_string();
    output.write_all(head(status, "application/json").as_bytes())?;
    for (name, value) in headers {
        write!(output, "{name}: {value}\r\n")?;
    }
    write!(output, "content-length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

/// A response without a body.
pub(super) fn empty(output: &mut impl Write) -> io::Result<()> {
    write!(
        output,
        "{}content-length: 0\r\n\r\n",
        head(200, "text/plain")
    )?;
    output.flush()
}

/// The beginning of a stream of events.
pub(super) fn begin_events(output: &mut impl Write) -> io::Result<()> {
    let head = head(200, "text/event-stream");
    write!(
        output,
        "{head}cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
    )
}

/// One event; its name is the type of its data.
pub(super) fn event(output: &mut impl Write, data: &Value) -> io::Result<()> {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    let text = format!("event: {name}\ndata: {data}\n\n");
    write!(output, "{:x}\r\n{text}\r\n", text.len())?;
    output.flush()
}

/// The end of a stream of events.
pub(super) fn end_events(output: &mut impl Write) -> io::Result<()> {
    output.write_all(b"0\r\n\r\n")?;
    output.flush()
}

fn head(status: u16, content: &str) -> String {
    let reason = match status {
        200 => "OK",
        401 => "Unauthorized",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        _ => "Error",
    };
    format!("HTTP/1.1 {status} {reason}\r\ncontent-type: {content}\r\nrequest-id: req_fake\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Option<Request>> {
        Request::read(&mut text.as_bytes(), &mut Vec::new())
    }

    #[test]
    fn a_body_is_read_by_its_length_or_in_chunks() {
        let by_length = "POST /a?b=1 HTTP/1.1\r\nContent-Length: 3\r\nx: y\r\n\r\nabcREST";
        let in_chunks = "POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n";
        for text in [by_length, in_chunks] {
            let request = read(text).unwrap().unwrap();
            assert_eq!(
                (request.method.as_str(), request.path.as_str()),
                ("POST", "/a")
            );
            assert_eq!(request.body, b"abc");
        }
    }

    #[test]
    fn the_end_of_a_connection_is_no_request_and_half_a_request_is_an_error() {
        assert_eq!(read("").unwrap(), None);
        for text in [
            "GET",
            "GET / HTTP/1.1\r\nx: y\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
        ] {
            assert_eq!(
                read(text).unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_client_that_wants_to_be_asked_for_its_body_is_asked() {
        let mut answer = Vec::new();
        let text = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx";
        Request::read(&mut text.as_bytes(), &mut answer).unwrap();
        assert_eq!(answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    }
}
