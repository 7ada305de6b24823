//! Each field of each real signature file: left out, written twice, of another type, or huge.

use serde_json::{Map, Value, json};

use super::*;

const ALL: [&str; 7] =
    [KEY_ONLY, REKOR_V1, REKOR_V2_TIMESTAMP, TIMESTAMP, KEYLESS, KEYLESS_V2_TIMESTAMP, KEYLESS_TIMESTAMP];

/// The pointers to all values in `text`.
fn pointers(text: &str) -> Vec<String> {
    fn walk(value: &Value, here: &str, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(list) => list.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (name, child) in children {
            let pointer = format!("{here}/{name}");
            walk(child, &pointer, found);
            found.push(pointer);
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_str(text).unwrap(), "", &mut found);
    found
}

#[test]
fn a_missing_field_is_refused() {
    // An entry without an index is the first one, and a promise is not needed next to a proof.
    // Whether an entry or a timestamp is required is decided elsewhere.
    let optional = ["/logIndex", "/hashes", "/inclusionPromise"];
    let evidence = ["/tlogEntries", "/timestampVerificationData"];
    for text in ALL {
        for pointer in pointers(text) {
            let read = Evidence::parse(changed(text, &pointer, None).as_bytes());
            let hashes_of_many = pointer.contains("/hashes/") && text == KEYLESS_V2_TIMESTAMP;
            let is_optional_evidence = evidence.iter().any(|name| pointer.ends_with(name))
                && (text.contains("publicKey") || text == KEYLESS_V2_TIMESTAMP);
            let expected =
                optional.iter().any(|name| pointer.ends_with(name)) || hashes_of_many || is_optional_evidence;
            assert_eq!(read.is_ok(), expected, "{pointer}: {read:?}");
        }
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    for text in ALL {
        let whole: Value = serde_json::from_str(text).unwrap();
        for pointer in pointers(text) {
            let value = whole.pointer(&pointer).unwrap();
            for other in [json!(null), json!(7), json!(true), json!(""), json!([]), json!({}), json!([value])]
            {
                let changed = changed(text, &pointer, Some(other));
                assert!(Evidence::parse(changed.as_bytes()).is_err(), "{changed}");
            }
        }
    }
}

#[test]
fn a_duplicate_or_unknown_field_is_refused() {
    for text in ALL {
        let whole: Value = serde_json::from_str(text).unwrap();
        for pointer in pointers(text) {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let Some(Value::Object(fields)) = whole.pointer(parent) else { continue };
            let mut more: Map<String, Value> = fields.clone();
            more.insert("again".into(), fields[name].clone());
            let more = if parent.is_empty() {
                Value::Object(more).to_string()
            } else {
                changed(text, parent, Some(Value::Object(more)))
            };
            let unknown = refused(&more);
            assert!(unknown.contains("unknown field `again`"), "{unknown}");
            let twice = refused(&more.replace("\"again\":", &format!("\"{name}\":")));
            assert!(twice.contains(&format!("duplicate field `{name}`")), "{twice}");
        }
    }
}

#[test]
fn a_huge_value_is_refused() {
    for text in ALL {
        let whole: Value = serde_json::from_str(text).unwrap();
        for pointer in pointers(text) {
            let huge = match whole.pointer(&pointer).unwrap() {
                Value::Array(list) => json!(vec![list[0].clone(); 500]),
                Value::Object(_) => json!({"x": "A".repeat(90_000)}),
                _ => json!("A".repeat(90_000)),
            };
            let read = Evidence::parse(changed(text, &pointer, Some(huge)).as_bytes());
            // A key or a log decides how long these are, and nothing is done with them here.
            let free = ["/signature", "/canonicalizedBody", "/signedEntryTimestamp", "/envelope"];
            let expected = free.iter().any(|name| pointer.ends_with(name));
            assert_eq!(read.is_ok(), expected, "{pointer}");
        }
    }
}

#[test]
fn what_was_read_can_be_written_and_read_again() {
    for text in ALL {
        for pointer in pointers(text) {
            let Ok(read) = Evidence::parse(changed(text, &pointer, None).as_bytes()) else { continue };
            assert_eq!(Evidence::parse(&read.to_json()).as_ref(), Ok(&read), "{pointer}");
        }
    }
}
