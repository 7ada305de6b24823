//! `aicr verify` of changed signature files, after all services have ended. Each is verified with
//! flags that require more or less evidence. For every rejection, the unchanged file is accepted
//! with the same flags. Printed as a table.

mod bundles;
mod case;
mod log_entries;
mod row;
pub(crate) mod signers;
mod timestamps;

use std::collections::{BTreeMap, BTreeSet};

use self::bundles::{SIGNATURE, Signatures, prepared};
use self::case::{Case, NEWEST, OLDER, fault};
use self::row::{
    Accepted, ByCosign, Expected, Log, LogAndTimestamp, Nothing, Rejected, Required, Row, Timestamp,
    TimestampIfThere, row,
};
use crate::parallel::each;
use crate::sandbox::Sandbox;
use crate::site::ALL;
use crate::table::Table;

/// How the name of a row with an unchanged signature file begins.
const UNCHANGED: &str = "nothing";

/// Unchanged bundles: what is accepted, and what is missing.
fn unchanged() -> Vec<Row> {
    const NO_ENTRY: Expected = log_entries::NO_ENTRY;
    const NO_TIMESTAMP: Expected = timestamps::NONE;
    let logged = [(Log, Accepted("checked", "none")), (LogAndTimestamp, NO_TIMESTAMP)];
    let by_key =
        [(Nothing, Accepted("unchecked", "none")), (TimestampIfThere, Accepted("unchecked", "none"))];
    let whole = [(Log, Accepted("checked", "checked")), (LogAndTimestamp, Accepted("checked", "checked"))];
    let alone =
        [(TimestampIfThere, Accepted("unchecked", "checked")), (Nothing, Accepted("unchecked", "unchecked"))];
    let stamped = [(Timestamp, Accepted("unchecked", "checked"))];
    let as_signed = |of, said: Vec<(Required, Expected)>| row(UNCHANGED, of, |_, _| {}, said).everywhere();
    vec![
        as_signed(
            "key",
            vec![
                (Log, NO_ENTRY),
                (LogAndTimestamp, NO_ENTRY),
                (Nothing, Accepted("none", "none")),
                (TimestampIfThere, Accepted("none", "none")),
                (Timestamp, NO_TIMESTAMP),
            ],
        ),
        as_signed(
            "key-tsa",
            vec![
                (Log, NO_ENTRY),
                (Nothing, Accepted("none", "unchecked")),
                (TimestampIfThere, Accepted("none", "checked")),
                (Timestamp, Accepted("none", "checked")),
            ],
        ),
        as_signed("key-rekor1", [&logged[..], &by_key, &[(Timestamp, NO_TIMESTAMP)]].concat()),
        as_signed("key-rekor1-tsa", [&whole[..], &alone, &stamped].concat()),
        as_signed("key-rekor2-tsa", [&whole[..], &alone, &stamped].concat()),
        as_signed("other-rekor1-tsa", [&whole[..], &alone, &stamped].concat()),
        as_signed("keyless-rekor1", [&logged[..], &[(Timestamp, NO_TIMESTAMP)]].concat()),
        as_signed("keyless-rekor1-tsa", [&whole[..], &stamped].concat()),
        as_signed("keyless-rekor2-tsa", [&whole[..], &stamped].concat()),
        as_signed("workflow-rekor1", logged.to_vec()),
    ]
}

#[test]
fn every_change_is_detected_where_it_is_required() {
    let site = prepared();
    signers::prepare(&site);
    site.stop(&ALL);
    let sandbox: &Sandbox = &site;
    let signatures = Signatures::on(sandbox);
    let rows: Vec<Row> = [unchanged(), log_entries::rows(), timestamps::rows(), signers::rows()]
        .into_iter()
        .flatten()
        .collect();

    let mut cases = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let bundle = format!("changed/{number}");
        for file in ["a", "sub/b", "checksums.txt"] {
            sandbox.file(&format!("{bundle}/{file}"), sandbox.read(&format!("signed/{}/{file}", row.of)));
        }
        let mut changed = signatures.of(row.of).clone();
        (row.change)(&mut changed, &signatures);
        let is_as_signed = changed == *signatures.of(row.of);
        assert_eq!(is_as_signed, row.name.starts_with(UNCHANGED), "{}", row.name);
        sandbox.file(&format!("{bundle}/{SIGNATURE}"), changed.to_string());
        for (required, said) in &row.said {
            cases.push(Case { row, bundle: bundle.clone(), required: *required, said: *said });
        }
    }
    let mut alike: BTreeMap<(String, &str), Vec<&Case<'_>>> = BTreeMap::new();
    for case in &cases {
        // No other release is needed if cosign gets the same command, or is not run.
        let is_for_all = case.row.everywhere
            && [Log, Nothing, Timestamp].contains(&case.required)
            && !matches!(case.said, Rejected(_));
        for release in [NEWEST].iter().chain(if is_for_all { &OLDER[..] } else { &[] }) {
            alike.entry((case.flags(), release)).or_default().push(case);
        }
    }
    let alike: Vec<_> = alike.into_iter().collect();
    let faults = each(&alike, |((_, release), cases)| fault(sandbox, release, cases));
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{} runs of {}\n{}", faults.len(), alike.len(), faults.join("\n"));

    // The flags of every rejection accept the unchanged file.
    let is_accepted = |said: &Expected| matches!(said, Accepted(..));
    let required = |row: &Row, required: Required| (row.by, required);
    let accepted: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.name == UNCHANGED)
        .flat_map(|row| {
            row.said.iter().filter(|(_, said)| is_accepted(said)).map(|(flags, _)| required(row, *flags))
        })
        .collect();
    for row in rows.iter().filter(|row| row.name != UNCHANGED) {
        for (flags, _) in &row.said {
            assert!(
                accepted.contains(&required(row, *flags)),
                "{} of {}: the unchanged file is not accepted",
                row.name,
                row.of
            );
        }
    }
    println!("{}", table(&rows));
    println!("{} cases; * with every release: {}, {NEWEST}", cases.len(), OLDER.join(", "));
}

/// The table for people: exit 5 with its message below, or the report on log and timestamp.
fn table(rows: &[Row]) -> Table {
    let required = [Log, LogAndTimestamp, Nothing, TimestampIfThere, Timestamp];
    let flags: Vec<_> = required.iter().map(|required| required.flags("R")).collect();
    let mut table = Table::new(["changed", "in"].into_iter().chain(flags.iter().map(String::as_str)));
    for row in rows {
        let every = if row.everywhere { " *" } else { "" };
        let mut line = vec![format!("{}{every}", row.name), row.of.to_owned()];
        for required in required {
            line.push(match row.said.iter().find(|(other, _)| *other == required).map(|(_, said)| said) {
                None => String::new(),
                Some(Accepted(log, timestamp)) => format!("log {log}, timestamp {timestamp}"),
                Some(Rejected(words)) => format!("exit 5 {}", table.note(words)),
                Some(ByCosign(words)) => format!("exit 5 {}", table.note(&format!("cosign: {words}"))),
            });
        }
        table.line(line);
    }
    table
}
