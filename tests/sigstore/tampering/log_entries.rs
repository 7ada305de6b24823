//! Changes to log entries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bundles::Signatures;
use super::row::{
    Accepted, ByCosign, Expected, Log, LogAndTimestamp, Nothing, Rejected, Required, Row, Timestamp,
    TimestampIfThere, row,
};

/// Without an entry, by a key.
pub(super) const NO_ENTRY: Expected = Rejected(
    "B is not accepted: there is no transparency log entry, and this command line requires one\nhint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false",
);
/// Without an entry, by an identity.
const NO_ENTRY_OF_IDENTITY: Expected = Rejected(
    "B is not accepted: there is no transparency log entry, and this command line requires one\nhint: --insecure-ignore-tlog with --require-timestamp accepts a timestamp instead",
);
const NOT_IN_THE_LOG: Expected =
    ByCosign("failed to verify log inclusion: not enough verified log entries from transparency log: 0 < 1");
const UNKNOWN_LOG: Expected = Rejected(
    "B: the transparency log of the signature is not in the trusted root (log ID 0000000000000000000000000000000000000000000000000000000000000000)",
);
pub(super) const OF_ANOTHER_SIGNATURE: Expected =
    Rejected("B: the transparency log entry is about another signature");
const OF_OTHER_FILES: Expected =
    Rejected("B: the transparency log entry is about another file than the manifest");
const PARTS: Expected = Rejected(
    "B: the transparency log entry has an inclusion proof that does not match its checkpoint or index",
);

const SEVERAL: &str = "FILE has more than one log entry";

const REKOR_1: &str = "key-rekor1-tsa";
const REKOR_2: &str = "key-rekor2-tsa";
const PERSON_1: &str = "keyless-rekor1-tsa";
const PERSON_2: &str = "keyless-rekor2-tsa";
const LOGGED: [&str; 4] = [REKOR_1, REKOR_2, PERSON_1, PERSON_2];

/// The list of entries.
fn entries(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"]
}

/// The entry.
fn entry(bundle: &mut Value) -> &mut Value {
    &mut entries(bundle)[0]
}

fn entry_of(signatures: &Signatures, bundle: &str) -> Value {
    signatures.of(bundle)["verificationMaterial"]["tlogEntries"][0].clone()
}

fn proof(bundle: &mut Value) -> &mut Value {
    &mut entry(bundle)["inclusionProof"]
}

/// A line of the checkpoint, numbered from 0.
fn checkpoint_line(bundle: &mut Value, number: usize, line: &str) {
    let envelope = &mut proof(bundle)["checkpoint"]["envelope"];
    let mut lines: Vec<_> = envelope.as_str().unwrap().split('\n').collect();
    lines[number] = line;
    *envelope = json!(lines.join("\n"));
}

/// Base64 with its last bytes changed.
pub(super) fn spoil(base64: &mut Value) {
    let mut bytes = STANDARD.decode(base64.as_str().unwrap()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    *base64 = json!(STANDARD.encode(bytes));
}

fn remove(value: &mut Value, field: &str) {
    value.as_object_mut().unwrap().remove(field).unwrap();
}

/// The results for a wrong entry, which is ignored where none is required.
fn wrong(of: &str, said: Expected) -> Vec<(Required, Expected)> {
    let counts = [(Log, said), (LogAndTimestamp, said), (Timestamp, Accepted("unchecked", "checked"))];
    let by_key =
        [(Nothing, Accepted("unchecked", "unchecked")), (TimestampIfThere, Accepted("unchecked", "checked"))];
    if of.starts_with("key-") { [&counts[..], &by_key].concat() } else { counts.to_vec() }
}

/// The results for a malformed entry, with any flags.
fn malformed(of: &str, words: &'static str) -> Vec<(Required, Expected)> {
    wrong(of, Rejected(words)).into_iter().map(|(required, _)| (required, Rejected(words))).collect()
}

pub(super) fn rows() -> Vec<Row> {
    [removed(), of_others(), made_up(), spoilt()].into_iter().flatten().collect()
}

fn removed() -> Vec<Row> {
    const ALONE: Expected = Rejected(
        "FILE has a certificate, which is valid for minutes, but no trusted signing time: neither a log entry nor a timestamp",
    );
    let removed = |of, said: &[(Required, Expected)]| {
        let change =
            |bundle: &mut Value, _: &Signatures| remove(&mut bundle["verificationMaterial"], "tlogEntries");
        row("entry removed", of, change, said.to_vec()).everywhere()
    };
    let by_key = [
        (Log, NO_ENTRY),
        (LogAndTimestamp, NO_ENTRY),
        (Nothing, Accepted("none", "unchecked")),
        (TimestampIfThere, Accepted("none", "checked")),
        (Timestamp, Accepted("none", "checked")),
    ];
    let by_identity = [
        (Log, NO_ENTRY_OF_IDENTITY),
        (LogAndTimestamp, NO_ENTRY_OF_IDENTITY),
        (Timestamp, Accepted("none", "checked")),
    ];
    vec![
        removed("key-rekor1", &[(Log, NO_ENTRY), (Nothing, Accepted("none", "none"))]),
        removed(REKOR_1, &by_key),
        removed(REKOR_2, &by_key),
        removed("keyless-rekor1", &[(Log, ALONE)]),
        removed(PERSON_1, &by_identity),
        removed(PERSON_2, &by_identity),
        row(
            "entries emptied",
            REKOR_1,
            |bundle, _| *entries(bundle) = json!([]),
            malformed(REKOR_1, "FILE has an empty list of log entries"),
        ),
    ]
}

/// The entry of another signature instead of its own.
fn swapped(of: &'static str, with: &'static str) -> (&'static str, fn(&mut Value, &Signatures)) {
    match (of, with) {
        (REKOR_1, "again") => (of, |bundle, all| *entry(bundle) = entry_of(all, "again/key-rekor1-tsa")),
        (REKOR_2, "again") => (of, |bundle, all| *entry(bundle) = entry_of(all, "again/key-rekor2-tsa")),
        (_, "again") => (of, |bundle, all| *entry(bundle) = entry_of(all, "again/keyless-rekor1-tsa")),
        (REKOR_1, _) => (of, |bundle, all| *entry(bundle) = entry_of(all, "other/key-rekor1-tsa")),
        (REKOR_2, _) => (of, |bundle, all| *entry(bundle) = entry_of(all, "other/key-rekor2-tsa")),
        _ => (of, |bundle, all| *entry(bundle) = entry_of(all, "other/keyless-rekor1-tsa")),
    }
}

fn of_others() -> Vec<Row> {
    let mut rows = Vec::new();
    for of in [REKOR_1, REKOR_2, PERSON_1] {
        let (of, change) = swapped(of, "again");
        let said = wrong(of, OF_ANOTHER_SIGNATURE);
        rows.push(row("entry of another signature of these files", of, change, said).everywhere());
        let (of, change) = swapped(of, "other");
        rows.push(row("entry of other files", of, change, wrong(of, OF_OTHER_FILES)).everywhere());
    }
    rows.push(row(
        "another signature's entry added",
        REKOR_1,
        |bundle, all| {
            let other = entry_of(all, "again/key-rekor1-tsa");
            entries(bundle).as_array_mut().unwrap().push(other);
        },
        malformed(REKOR_1, SEVERAL),
    ));
    rows
}

fn made_up() -> Vec<Row> {
    let twice = |bundle: &mut Value, _: &Signatures| {
        let again = entry(bundle).clone();
        entries(bundle).as_array_mut().unwrap().push(again);
    };
    let mut rows = vec![
        row("entry doubled", REKOR_1, twice, malformed(REKOR_1, SEVERAL)),
        row("entry doubled", REKOR_2, twice, malformed(REKOR_2, SEVERAL)),
        // Plain cosign accepts this, because one entry verifies.
        row(
            "made-up entry added",
            REKOR_1,
            |bundle, all| {
                let mut made_up = entry_of(all, REKOR_1);
                made_up["logIndex"] = json!("77");
                entries(bundle).as_array_mut().unwrap().push(made_up);
            },
            malformed(REKOR_1, SEVERAL),
        ),
        row(
            "made-up entry: this signature in the place of another",
            REKOR_1,
            |bundle, all| {
                let body = entry(bundle)["canonicalizedBody"].take();
                *entry(bundle) = entry_of(all, "again/key-rekor1-tsa");
                entry(bundle)["canonicalizedBody"] = body;
            },
            wrong(REKOR_1, NOT_IN_THE_LOG),
        )
        .everywhere(),
        row(
            "made-up entry: this signature in the place of another",
            REKOR_2,
            |bundle, all| {
                let body = entry(bundle)["canonicalizedBody"].take();
                *entry(bundle) = entry_of(all, "again/key-rekor2-tsa");
                entry(bundle)["canonicalizedBody"] = body;
            },
            wrong(REKOR_2, ROOTS),
        )
        .everywhere(),
        row(
            "body that is none",
            REKOR_1,
            |bundle, _| entry(bundle)["canonicalizedBody"] = json!("AAAA"),
            wrong(REKOR_1, Rejected("B: the transparency log entry has a body that cannot be read")),
        ),
    ];
    for of in LOGGED {
        let change = |bundle: &mut Value, _: &Signatures| {
            entry(bundle)["logId"]["keyId"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        };
        rows.push(row("entry of an unknown log", of, change, wrong(of, UNKNOWN_LOG)).everywhere());
    }
    rows.push(row(
        "entry of the other log",
        REKOR_1,
        |bundle, all| entry(bundle)["logId"] = entry_of(all, REKOR_2)["logId"].clone(),
        wrong(REKOR_1, NOT_IN_THE_LOG),
    ));
    rows.push(row(
        "entry of the other log",
        REKOR_2,
        |bundle, all| entry(bundle)["logId"] = entry_of(all, REKOR_1)["logId"].clone(),
        wrong(REKOR_2, ByCosign("failed to verify log inclusion: verifying log entry: unverified checkpoint signature: failed to verify signatures on checkpoint: note has no verifiable signatures")),
    ));
    rows
}

const ROOTS: Expected = ByCosign(
    "failed to verify log inclusion: verifying log entry: verifying inclusion: calculated root:\n    […\n     does not match expected root:\n    […",
);
const ROOTS_1: Expected = ByCosign(
    "failed to verify log inclusion: calculated root:\n    […\n     does not match expected root:\n    […",
);

const CHECKPOINT: Expected = ByCosign(
    "failed to verify log inclusion: verifying log entry: unverified checkpoint signature: failed to verify signatures on checkpoint: invalid signature for key localhost+…",
);
const SIZE_1: Expected = ByCosign("failed to verify log inclusion: wrong proof size …, want …");

fn spoilt() -> Vec<Row> {
    type Change = fn(&mut Value, &Signatures);
    let changes: [(&'static str, Change, Expected, Expected); 10] = [
        ("index", |bundle, _| entry(bundle)["logIndex"] = json!("77"), NOT_IN_THE_LOG, PARTS),
        (
            "index of the proof",
            |bundle, _| proof(bundle)["logIndex"] = json!("77"),
            ByCosign("failed to verify log inclusion: index is beyond size: … >= …"),
            PARTS,
        ),
        (
            "both indices",
            |bundle, _| {
                entry(bundle)["logIndex"] = json!("77");
                proof(bundle)["logIndex"] = json!("77");
            },
            NOT_IN_THE_LOG,
            ByCosign(
                "failed to verify log inclusion: verifying log entry: verifying inclusion: index is beyond size: … >= …",
            ),
        ),
        ("hash of the proof", |bundle, _| spoil(&mut proof(bundle)["hashes"][0]), ROOTS_1, ROOTS),
        (
            "hashes of the proof removed",
            |bundle, _| remove(proof(bundle), "hashes"),
            SIZE_1,
            ByCosign(
                "failed to verify log inclusion: verifying log entry: verifying inclusion: wrong proof size …, want …",
            ),
        ),
        ("root hash", |bundle, _| spoil(&mut proof(bundle)["rootHash"]), PARTS, PARTS),
        ("size of the tree", |bundle, _| proof(bundle)["treeSize"] = json!("99"), PARTS, PARTS),
        ("size in the checkpoint", |bundle, _| checkpoint_line(bundle, 1, "99"), PARTS, PARTS),
        (
            "size of the tree and in the checkpoint",
            |bundle, _| {
                proof(bundle)["treeSize"] = json!("99");
                checkpoint_line(bundle, 1, "99");
            },
            SIZE_1,
            CHECKPOINT,
        ),
        ("name in the checkpoint", |bundle, _| checkpoint_line(bundle, 0, "another"), CHECKPOINT, CHECKPOINT),
    ];
    let mut rows = Vec::new();
    for (name, change, rekor_1, rekor_2) in changes {
        rows.push(row(name, REKOR_1, change, wrong(REKOR_1, rekor_1)));
        rows.push(row(name, REKOR_2, change, wrong(REKOR_2, rekor_2)));
    }
    for of in [REKOR_1, REKOR_2] {
        let change = |bundle: &mut Value, _: &Signatures| remove(entry(bundle), "inclusionProof");
        rows.push(row(
            "proof removed",
            of,
            change,
            malformed(of, "FILE has a log entry without an inclusion proof"),
        ));
    }
    rows.extend(times());
    rows
}

/// The time and the promise of Rekor 1.
fn times() -> Vec<Row> {
    let mut rows = Vec::new();
    for of in [REKOR_1, PERSON_1] {
        let later = |bundle: &mut Value, _: &Signatures| {
            let time: u64 = entry(bundle)["integratedTime"].as_str().unwrap().parse().unwrap();
            entry(bundle)["integratedTime"] = json!((time + 1).to_string());
        };
        rows.push(row("time of a second later", of, later, wrong(of, NOT_IN_THE_LOG)).everywhere());
        let spoilt = |bundle: &mut Value, _: &Signatures| {
            spoil(&mut entry(bundle)["inclusionPromise"]["signedEntryTimestamp"]);
        };
        rows.push(row("promise", of, spoilt, wrong(of, NOT_IN_THE_LOG)).everywhere());
    }
    const PERSON: &str = "keyless-rekor1";
    const UNTIMED: Expected = ByCosign(
        "failed to verify timestamps: threshold not met for verified log entry integrated timestamps: 0 < 1",
    );
    const OUTSIDE: Expected =
        ByCosign("failed to verify log inclusion: integrated time outside certificate validity");
    rows.push(
        row(
            "promise removed",
            PERSON,
            |bundle, _| remove(entry(bundle), "inclusionPromise"),
            [(Log, UNTIMED)],
        )
        .everywhere(),
    );
    rows.push(
        row(
            "promise removed, and an earlier time",
            PERSON,
            |bundle, _| {
                remove(entry(bundle), "inclusionPromise");
                entry(bundle)["integratedTime"] = json!("1");
            },
            [(Log, OUTSIDE)],
        )
        .everywhere(),
    );
    rows
}
