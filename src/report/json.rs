//! A report as one JSON object on one line, as `docs/report.schema.json` describes it.

use std::fmt::Write as _;
use std::time::SystemTime;

use anyhow::Context;
use serde::Serialize;

use super::Report;
use crate::error::{Class, Result};
use crate::printable::is_hidden;

/// The version of the JSON object.
const SCHEMA_VERSION: u32 = 1;

/// The object, with a newline at its end; `time` is when the run ended.
pub(crate) fn render(command: Option<&str>, report: &Report, time: SystemTime) -> Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope<'a> {
        schema_version: u32,
        aicr: &'static str,
        time: String,
        command: Option<&'a str>,
        exit: u8,
        #[serde(flatten)]
        report: &'a Report,
    }
    let envelope = Envelope {
        schema_version: SCHEMA_VERSION,
        aicr: env!("CARGO_PKG_VERSION"),
        time: humantime::format_rfc3339_seconds(time).to_string(),
        command,
        exit: report.class().map_or(0, Class::code),
        report,
    };
    let text = serde_json::to_string(&envelope).context("write the JSON report")?;
    // The same value, and nothing in it that a terminal would obey or hide.
    let escaped = text.chars().fold(String::with_capacity(text.len() + 1), |mut escaped, letter| {
        if is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(letter);
        }
        escaped
    });
    Ok(escaped + "\n")
}
