//! A valid signing config is written again with the same services: none is lost, and none is added.

use super::{is_one_plain_line, json};
use crate::sigstore::RekorVersion;
use crate::sigstore::signing_config::{Service, SigningConfig};

pub(super) fn holds(text: &[u8]) {
    let config = match SigningConfig::parse(text) {
        Ok(config) => config,
        Err(why) => return is_one_plain_line(&why.to_string()),
    };
    assert!(json::is_unambiguous(text));
    let written = config.to_json();
    assert_eq!(SigningConfig::parse(written.as_bytes()).as_ref(), Ok(&config));
    for service in services(&config) {
        let url = service.url();
        assert!(url.is_encrypted() || url.is_loopback());
        let made = SigningConfig::default()
            .with_authority(url)
            .with_issuer(url)
            .with_log(url, RekorVersion::V2)
            .with_timestamp_authority(url);
        assert_eq!(SigningConfig::parse(made.to_json().as_bytes()).as_ref(), Ok(&made));
        assert_eq!(services(&made).len(), 4);
        assert!(services(&made).iter().all(|service| service.url().is_same_place(url)));
    }
    if let Some(kind) = config.wants_several() {
        is_one_plain_line(kind);
    }
    let for_a_key = config.only_for_a_key();
    assert!(for_a_key.authorities().is_empty() && for_a_key.issuers().is_empty());
    assert_eq!(for_a_key.logs(), config.logs());
    for time in [i64::MIN, -1, 0, 1_700_000_000, i64::MAX] {
        let usable = config.clone().usable_at(time);
        let all = services(&config);
        assert!(services(&usable).iter().all(|service| all.contains(service)));
        assert_eq!(usable.clone().usable_at(time), usable);
    }
}

fn services(config: &SigningConfig) -> Vec<&Service> {
    [config.authorities(), config.issuers(), config.logs(), config.timestamp_authorities()]
        .into_iter()
        .flatten()
        .collect()
}
