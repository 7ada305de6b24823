//! What `aicr verify` says of signature files that somebody changed, when all services are gone. Each is
//! judged with the flags of a verifier who asks for more or less, and what is rejected with some flags is
//! accepted with the same flags as it was signed. Printed as a table.

mod asking;
mod bundles;
mod log_entries;
mod row;
mod signers;
mod timestamps;

use std::collections::{BTreeMap, BTreeSet};

use self::asking::{Case, NEWEST, OLDER, fault};
use self::bundles::{SIGNATURE, Signatures, stage};
use self::row::{
    Accepted, Asked, ByCosign, Log, LogAndTimestamp, Nothing, Rejected, Row, Said, Timestamp,
    TimestampIfThere, row,
};
use crate::parallel::each;
use crate::sandbox::Sandbox;
use crate::site::ALL;
use crate::table::Table;

/// How the name of a row begins whose signature file was left as it was.
const UNCHANGED: &str = "nothing";

/// Bundles as they were signed: what is accepted, and what is not there.
fn unchanged() -> Vec<Row> {
    const NO_ENTRY: Said = log_entries::NO_ENTRY;
    const NO_TIMESTAMP: Said = timestamps::NONE;
    let logged = [(Log, Accepted("checked", "none")), (LogAndTimestamp, NO_TIMESTAMP)];
    let by_key =
        [(Nothing, Accepted("unchecked", "none")), (TimestampIfThere, Accepted("unchecked", "none"))];
    let whole = [(Log, Accepted("checked", "checked")), (LogAndTimestamp, Accepted("checked", "checked"))];
    let alone =
        [(TimestampIfThere, Accepted("unchecked", "checked")), (Nothing, Accepted("unchecked", "unchecked"))];
    let stamped = [(Timestamp, Accepted("unchecked", "checked"))];
    let as_signed = |of, said: Vec<(Asked, Said)>| row(UNCHANGED, of, |_, _| {}, said).everywhere();
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
        as_signed("stranger-rekor1-tsa", [&whole[..], &alone, &stamped].concat()),
        as_signed("keyless-rekor1", [&logged[..], &[(Timestamp, NO_TIMESTAMP)]].concat()),
        as_signed("keyless-rekor1-tsa", [&whole[..], &stamped].concat()),
        as_signed("keyless-rekor2-tsa", [&whole[..], &stamped].concat()),
        as_signed("workflow-rekor1", logged.to_vec()),
    ]
}

#[test]
fn what_was_changed_is_noticed_when_it_is_asked_for() {
    let site = stage();
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
        for (asked, said) in &row.said {
            cases.push(Case { row, bundle: bundle.clone(), asked: *asked, said: *said });
        }
    }
    let mut alike: BTreeMap<(String, &str), Vec<&Case<'_>>> = BTreeMap::new();
    for case in &cases {
        // What cosign is asked in the same way, or is not asked, needs no other release.
        let is_for_all = case.row.everywhere
            && [Log, Nothing, Timestamp].contains(&case.asked)
            && !matches!(case.said, Rejected(_));
        for release in [NEWEST].iter().chain(if is_for_all { &OLDER[..] } else { &[] }) {
            alike.entry((case.flags(), release)).or_default().push(case);
        }
    }
    let alike: Vec<_> = alike.into_iter().collect();
    let faults = each(&alike, |((_, release), cases)| fault(sandbox, release, cases));
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{} runs of {}\n{}", faults.len(), alike.len(), faults.join("\n"));

    // Nothing is rejected with flags with which nothing is accepted.
    let is_accepted = |said: &Said| matches!(said, Accepted(..));
    let asked = |row: &Row, asked: Asked| (row.by, asked);
    let accepted: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.name == UNCHANGED)
        .flat_map(|row| {
            row.said.iter().filter(|(_, said)| is_accepted(said)).map(|(flags, _)| asked(row, *flags))
        })
        .collect();
    for row in rows.iter().filter(|row| row.name != UNCHANGED) {
        for (flags, _) in &row.said {
            assert!(accepted.contains(&asked(row, *flags)), "{} of {}: no twin", row.name, row.of);
        }
    }
    println!("{}", table(&rows));
    println!("{} cases; * with every release: {}, {NEWEST}", cases.len(), OLDER.join(", "));
}

/// All of it, for people: exit 5 with what is said below, or what is told of the log and of the timestamp.
fn table(rows: &[Row]) -> Table {
    let asked = [Log, LogAndTimestamp, Nothing, TimestampIfThere, Timestamp];
    let flags: Vec<_> = asked.iter().map(|asked| asked.flags("R")).collect();
    let mut table = Table::new(["changed", "in"].into_iter().chain(flags.iter().map(String::as_str)));
    for row in rows {
        let every = if row.everywhere { " *" } else { "" };
        let mut line = vec![format!("{}{every}", row.name), row.of.to_owned()];
        for asked in asked {
            line.push(match row.said.iter().find(|(other, _)| *other == asked).map(|(_, said)| said) {
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
