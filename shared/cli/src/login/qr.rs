//! A QR code on a terminal: two rows of it in a line, by half blocks.

use qrcodegen::{QrCode, QrCodeEcc};

/// The picture of `text`, dark on light whatever the colours of the terminal are; `None` when it is too long for one.
pub fn picture(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let rows = (-QUIET..code.size() + QUIET).step_by(2);
    let lines: Vec<String> = rows.map(|y| line(&code, y)).collect();
    Some(lines.join("\n"))
}

fn line(code: &QrCode, y: i32) -> String {
    let columns = -QUIET..code.size() + QUIET;
    // Outside the code everything is light.
    let blocks = columns.map(
        |x| match (code.get_module(x, y), code.get_module(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        },
    );
    format!("{BLACK_ON_WHITE}{}{RESET}", blocks.collect::<String>())
}

const BLACK_ON_WHITE: &str = "\x1b[30;107m";
const RESET: &str = "\x1b[0m";

/// The light border. Scanners need less of it on a screen than the four modules that paper has.
const QUIET: i32 = 2;
