use std::time::SystemTime;

use serde_json::{Value, json};

use super::EmulatedAws;
use super::dynamodb::post;

impl EmulatedAws {
    /// Makes a log group in CloudWatch Logs.
    pub fn make_log_group(&self, group: &str) {
        let stream = json!({ "logGroupName": group, "logStreamName": STREAM });
        self.call_logs("CreateLogGroup", &json!({ "logGroupName": group }));
        self.call_logs("CreateLogStream", &stream);
    }

    /// Writes lines into a log group, in the order of their times. What tells no time is of now.
    pub fn write_log(&self, group: &str, lines: &[String]) {
        let events = lines.iter().map(|line| {
            let known: Value = serde_json::from_str(line).unwrap_or_default();
            let told = known["time"]
                .as_str()
                .map(|time| humantime::parse_rfc3339(time).expect("RFC 3339"));
            let since = told
                .unwrap_or_else(SystemTime::now)
                .duration_since(SystemTime::UNIX_EPOCH);
            let millis = u64::try_from(since.expect("a time after 1970").as_millis());
            json!({ "timestamp": millis.expect("milliseconds"), "message": line })
        });
        let events: Vec<Value> = events.collect();
        let put = json!({ "logGroupName": group, "logStreamName": STREAM, "logEvents": events });
        self.call_logs("PutLogEvents", &put);
    }

    /// The patterns by which log groups were searched since this was asked last. The emulated service does not understand
    /// them, and sends every line.
    pub fn take_patterns(&self) -> Vec<Option<String>> {
        self.fronts.take_patterns()
    }

    fn call_logs(&self, operation: &str, input: &Value) {
        let target = format!("Logs_20140328.{operation}");
        post(&self.services.1.url, &target, input);
    }
}

const STREAM: &str = "stream";
