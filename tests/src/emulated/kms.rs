use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::dynamodb::post;
use crate::patience::eventually;
use crate::process::{Background, free_port};
use crate::tools::tool;

/// KMS over HTTP, with a symmetric key.
#[derive(Debug)]
pub(super) struct Kms {
    /// Where it listens.
    pub(super) url: String,
    /// The key that wraps keys.
    pub(super) wrapping_key: String,
    _process: Background,
}

impl Kms {
    /// Starts it on a free port, with its log in `logs`.
    pub(super) fn start(logs: &Path) -> Self {
        let port = free_port();
        let url = format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
        let log = logs.join("ministack.log");
        let mut command = Command::new(tool("ministack"));
        command
            // Without these two it listens on every interface.
            .env("BIND_HOST", "127.0.0.1")
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("GATEWAY_PORT", port.to_string())
            .env("AWS_ENDPOINT_URL", &url);
        let mut process = Background::start(&mut command, &log);
        eventually("ministack listens", || {
            let ended = process.ended();
            assert_eq!(
                ended,
                None,
                "{}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        let made = post(&url, "TrentService.CreateKey", &json!({}));
        let wrapping_key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN");
        Self {
            wrapping_key: wrapping_key.to_owned(),
            url,
            _process: process,
        }
    }
}
