use std::io::{ErrorKind, Read, Result};

/// Reads a request or a response that says how long it is, or has no body.
///
/// # Errors
/// When the other side goes away before it is whole.
pub fn read_message(stream: &mut impl Read) -> Result<Vec<u8>> {
    let (mut message, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    while !is_complete(&message) {
        match stream.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => message.extend(&buffer[..read]),
        }
    }
    Ok(message)
}

/// Whether the body is as long as the head says.
fn is_complete(message: &[u8]) -> bool {
    let mut windows = message.windows(4);
    let Some(end) = windows.position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok());
    let length = length.unwrap_or_else(|| match message.starts_with(b"GET ") {
        true => 0,
        false => usize::MAX,
    });
    message.len() - end - 4 >= length
}
