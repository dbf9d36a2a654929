//! How long an answer may be, and how long one is.

use std::io::{self, Write};

use serde::Serialize;

/// What API Gateway takes as the answer of an authorizer: its policy with all that stands around it.
pub const MAX_ANSWER_BYTES: usize = 8192;

/// An ARN down to the slash behind the stage, for the longest partition and region and the stage
/// `$default`, with the quotes and the comma of a list.
pub(crate) const STAGE_BYTES: usize = 77;

/// What stands around the resources of the routes: the statements, the request's own resource, the
/// principal, and the context.
pub(crate) const AROUND_BYTES: usize = 1024;

/// The length of `answer` as JSON.
pub(crate) fn json_bytes(answer: &impl Serialize) -> usize {
    let mut count = Count(0);
    // Counting never fails.
    let _ = serde_json::to_writer(&mut count, answer);
    count.0
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
