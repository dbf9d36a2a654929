use std::time::{Duration, Instant};

/// Tries until there is a value: how a scenario waits for a condition that it cannot be told of.
pub fn eventually<T>(condition: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < until, "in vain: {condition}");
        std::thread::sleep(BETWEEN_ATTEMPTS);
    }
}

/// Longer than any time limit of the issuer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);
