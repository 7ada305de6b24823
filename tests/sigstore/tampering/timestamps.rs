//! Changes to timestamps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bundles::Signatures;
use super::log_entries::spoil;
use super::row::{
    Accepted, ByCosign, Expected, Log, LogAndTimestamp, Nothing, Rejected, Required, Row, Timestamp,
    TimestampIfThere, row,
};

pub(super) const NONE: Expected = Rejected("B: the signature has no timestamp");
const UNKNOWN: Expected = Rejected("B: the timestamp authority of the signature is not in the trusted root");
const UNTIMED: Expected = Rejected(
    "B: the signature has no trusted signing time: Rekor v2 states none, and there is no timestamp of an authority in the trusted root",
);
const UNTRUE: Expected = ByCosign(
    "failed to verify timestamps: threshold not met for verified signed timestamps: 0 < 1; error: unable to verify signed timestamps: error while verifying signature: x509: ECDSA verification failure",
);
pub(super) const OF_ANOTHER: Expected = ByCosign(
    "failed to verify timestamps: threshold not met for verified signed timestamps: 0 < 1; error: unable to verify signed timestamps: hashed messages don't match",
);

const STAMPED: [&str; 5] =
    ["key-tsa", "key-rekor1-tsa", "key-rekor2-tsa", "keyless-rekor1-tsa", "keyless-rekor2-tsa"];

fn stamps(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
}

/// The results for a bundle whose timestamp gives `required` where it is required, and `if_there`
/// where it is optional.
fn said(
    of: &str,
    required: Expected,
    if_there: Option<Expected>,
    not_required: &'static str,
) -> Vec<(Required, Expected)> {
    let log = if of.contains("rekor") { "unchecked" } else { "none" };
    let mut said = vec![(Timestamp, required)];
    if of.starts_with("key-") {
        said.push((Nothing, Accepted(log, not_required)));
        said.push((TimestampIfThere, if_there.unwrap_or(Accepted(log, not_required))));
    }
    if of.contains("rekor") {
        said.push((LogAndTimestamp, required));
        let untimed = of == "keyless-rekor2-tsa" && if_there.is_none();
        said.push((
            Log,
            if_there.unwrap_or(if untimed { UNTIMED } else { Accepted("checked", not_required) }),
        ));
    }
    said
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for of in STAMPED {
        rows.push(
            row(
                "timestamp removed",
                of,
                |bundle, _| {
                    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
                    material.remove("timestampVerificationData").unwrap();
                },
                said(of, NONE, None, "none"),
            )
            .everywhere(),
        );
        let spoilt = |bundle: &mut Value, _: &Signatures| spoil(&mut stamps(bundle)[0]["signedTimestamp"]);
        rows.push(
            row("timestamp's signature", of, spoilt, said(of, UNTRUE, Some(UNTRUE), "unchecked"))
                .everywhere(),
        );
        let swapped = |bundle: &mut Value, all: &Signatures| {
            *stamps(bundle) = stamps(&mut all.of("other/key-tsa").clone()).take();
        };
        rows.push(
            row(
                "timestamp of another signature",
                of,
                swapped,
                said(of, OF_ANOTHER, Some(OF_ANOTHER), "unchecked"),
            )
            .everywhere(),
        );
        for (name, root) in [
            ("nothing: a root without timestamp authority", "no-timestampAuthorities.json"),
            ("nothing: the root of another timestamp authority", "other-timestampAuthorities.json"),
        ] {
            let said = said(of, UNKNOWN, None, "unchecked");
            rows.push(row(name, of, |_, _| {}, said).with_root(root).everywhere());
        }
    }
    for of in ["key-tsa", "keyless-rekor2-tsa"] {
        let signer = |bundle: &mut Value, _: &Signatures| {
            let stamp = &mut stamps(bundle)[0]["signedTimestamp"];
            let mut bytes = STANDARD.decode(stamp.as_str().unwrap()).unwrap();
            const AUTHORITY: &[u8] = b"tsa-root";
            let at = bytes.windows(AUTHORITY.len()).position(|bytes| bytes == AUTHORITY).unwrap();
            bytes[at] = b'x';
            *stamp = json!(STANDARD.encode(bytes));
        };
        rows.push(
            row("timestamp's authority", of, signer, said(of, UNKNOWN, None, "unchecked")).everywhere(),
        );
    }
    rows.extend(several());
    rows
}

fn several() -> Vec<Row> {
    const OF: &str = "key-tsa";
    const SEVERAL: &str = "FILE has more than one timestamp";
    let malformed =
        |words| [Nothing, TimestampIfThere, Timestamp].map(|required| (required, Rejected(words)));
    vec![
        row(
            "timestamp doubled",
            OF,
            |bundle, _| {
                let again = stamps(bundle)[0].clone();
                stamps(bundle).as_array_mut().unwrap().push(again);
            },
            malformed(SEVERAL),
        ),
        // Plain cosign accepts this, because one timestamp verifies.
        row(
            "another signature's timestamp added",
            OF,
            |bundle, all| {
                let other = stamps(&mut all.of("other/key-tsa").clone())[0].take();
                stamps(bundle).as_array_mut().unwrap().push(other);
            },
            malformed(SEVERAL),
        ),
        row(
            "timestamps emptied",
            OF,
            |bundle, _| *stamps(bundle) = json!([]),
            malformed("FILE has an empty list of timestamps"),
        ),
        row(
            "timestamp that is none",
            OF,
            |bundle, _| stamps(bundle)[0]["signedTimestamp"] = json!("AAAA"),
            malformed("FILE has a timestamp that cannot be read"),
        ),
    ]
}
