//! How much of what a caller chooses is logged.

/// Each byte of a log line costs: long texts are cut.
pub(super) fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST_LOGGED) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A path that nothing is served at, as far as it can be logged: a caller can put anything into it, also a
/// credential. It ends at the first character that no path of ours has, and where a credential or a token
/// begins.
pub fn loggable_path(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let plain = path
        .bytes()
        .take(LONGEST_LOGGED)
        .take_while(|byte| is_plain(*byte))
        .count();
    let begins = |secret: &str| path[..plain].find(secret);
    let end = SECRETS_BEGIN
        .into_iter()
        .filter_map(begins)
        .min()
        .unwrap_or(plain);
    match end == path.len() {
        true => path.to_owned(),
        false => format!("{}…", &path[..end]),
    }
}

/// How our credentials begin, and every JWT.
const SECRETS_BEGIN: [&str; 2] = ["tksm", "eyJ"];

const LONGEST_LOGGED: usize = 120;
