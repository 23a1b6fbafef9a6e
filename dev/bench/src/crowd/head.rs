//! The head of a response as it comes in pieces.

use anyhow::{Result, bail};
use memchr::memmem;

/// A head that is longer is an error.
const LIMIT: usize = 16 * 1024;

/// What has come of a head.
#[derive(Debug, Default)]
pub(crate) struct Head(Vec<u8>);

impl Head {
    /// Reads on. Gives the head in lower case once it is whole, and the bytes behind it.
    pub(crate) fn feed<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<(String, &'a [u8])>> {
        let before = self.0.len();
        self.0.extend_from_slice(bytes);
        let Some(end) = memmem::find(&self.0, b"\r\n\r\n") else {
            if self.0.len() > LIMIT {
                bail!("the head has more than {LIMIT} bytes");
            }
            return Ok(None);
        };
        let head = String::from_utf8_lossy(&self.0[..end]).to_ascii_lowercase();
        self.0 = Vec::new();
        Ok(Some((head, &bytes[end + 4 - before..])))
    }
}

/// An error when the status is another one.
pub(crate) fn demand_status(head: &str, status: &str) -> Result<()> {
    let found = head.split_whitespace().nth(1).unwrap_or_default();
    if found != status {
        bail!("the server answered {found:?}");
    }
    Ok(())
}

/// The value of a header, by its name in lower case.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_whole_at_its_empty_line_wherever_it_is_cut() {
        let bytes = b"HTTP/1.1 201 Created\r\nContent-Length: 7\r\nX-Content-Length: 9\r\n\r\nrest";
        let end = bytes.len() - 4;
        for cut in 1..end {
            let mut head = Head::default();
            assert!(head.feed(&bytes[..cut]).unwrap().is_none());
            let (text, rest) = head.feed(&bytes[cut..]).unwrap().unwrap();
            assert_eq!((header(&text, "content-length"), rest), (Some("7"), &b"rest"[..]), "cut at {cut}");
            assert!(demand_status(&text, "201").is_ok());
            assert_eq!(demand_status(&text, "101").unwrap_err().to_string(), "the server answered \"201\"");
        }
    }
}
