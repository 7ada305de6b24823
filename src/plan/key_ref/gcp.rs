//! `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/N]`: the parts and
//! their order. Nothing here checks that the key exists.

use super::{ValueError, corrected};

/// The parts in their order, and the placeholder for a value that is missing.
const PARTS: [(&str, &str); 4] =
    [("projects", "P"), ("locations", "L"), ("keyRings", "R"), ("cryptoKeys", "K")];

/// `versions` is an older spelling, which cosign reads as well.
const VERSION: [&str; 2] = ["cryptoKeyVersions", "versions"];

/// Checks what follows `gcpkms://`, by the provider's `client.go` (sigstore 1.8 to 1.10).
pub(super) fn check(path: &str) -> Result<(), ValueError> {
    let words: Vec<&str> = path.split('/').collect();
    if is_well_formed(&words) {
        return Ok(());
    }
    let mut missing = Vec::new();
    let mut right = vec!["gcpkms:/"];
    for (label, placeholder) in PARTS {
        let value = value_after(&words, label).unwrap_or_else(|| {
            missing.push(format!("{label}/{placeholder}"));
            placeholder
        });
        right.extend([label, value]);
    }
    if words.iter().any(|word| is_one_of(word, &VERSION)) {
        let version = VERSION.iter().find_map(|label| value_after(&words, label)).unwrap_or("N");
        right.extend(["cryptoKeyVersions", version]);
    }
    let problem = if missing.is_empty() {
        "the parts of the gcpkms path are not in the form and order that cosign reads".to_owned()
    } else {
        format!("the gcpkms path lacks {}", missing.join(" and "))
    };
    Err(ValueError::new(problem, corrected(&right.join("/"))))
}

/// Whether `value` is the resource name of a key, without the scheme.
pub(super) fn is_resource_name(value: &str) -> bool {
    is_well_formed(&value.split('/').collect::<Vec<_>>())
}

fn is_well_formed(words: &[&str]) -> bool {
    let (key, version) = words.split_at(words.len().min(2 * PARTS.len()));
    key.len() == 2 * PARTS.len()
        && key.chunks(2).zip(PARTS).all(|(pair, (label, _))| pair[0] == label && !pair[1].is_empty())
        && match version {
            [] => true,
            [label, value] => VERSION.contains(label) && !value.is_empty(),
            _ => false,
        }
}

/// The word after `label`, unless that is a label itself.
fn value_after<'a>(words: &[&'a str], label: &str) -> Option<&'a str> {
    let value = words.windows(2).find(|pair| pair[0].eq_ignore_ascii_case(label))?[1];
    let is_label =
        is_one_of(value, &VERSION) || PARTS.iter().any(|(part, _)| value.eq_ignore_ascii_case(part));
    (!value.is_empty() && !is_label).then_some(value)
}

fn is_one_of(word: &str, labels: &[&str]) -> bool {
    labels.iter().any(|label| word.eq_ignore_ascii_case(label))
}
