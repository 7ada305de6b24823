//! `awskms://[ENDPOINT]/ID`, an alias or an ARN: what cosign reads as the endpoint and what as the
//! key. Nothing here checks that the key exists.

use super::{ValueError, corrected};

/// Checks what follows `awskms://`. The source is the provider's `client.go` (sigstore 1.8 to
/// 1.10): all up to the first slash is a host name, and the rest a key ID, `alias/NAME` or an ARN.
pub(super) fn check(rest: &str) -> Result<(), ValueError> {
    let (endpoint, id) = rest.split_once('/').unwrap_or((rest, ""));
    if endpoint == "alias" || endpoint.starts_with("arn:") || (id.is_empty() && is_key_id(endpoint)) {
        return Err(ValueError::new(
            "cosign reads the part after awskms:// as a host name, so a key without an endpoint needs three slashes",
            corrected(&format!("awskms:///{rest}")),
        ));
    }
    if !is_endpoint(endpoint) {
        return Err(ValueError::new(
            "the endpoint of the awskms reference is not a host name with an optional port",
            "write `awskms://HOST:PORT/alias/NAME`, or `awskms:///alias/NAME` for the endpoint of the region",
        ));
    }
    if names_key(id) {
        return Ok(());
    }
    let stripped = id.trim_start_matches('/');
    if names_key(stripped) {
        return Err(ValueError::new(
            "the awskms reference has a slash too many",
            corrected(&format!("awskms://{endpoint}/{stripped}")),
        ));
    }
    let hint = if !id.is_empty() && id.bytes().all(is_name_byte) {
        format!("write `awskms://{endpoint}/alias/{id}` if that is the alias")
    } else {
        format!(
            "write `awskms://{endpoint}/alias/NAME`, or the key ID or the key's ARN in place of `alias/NAME`"
        )
    };
    Err(ValueError::new("the awskms reference has no key: it needs a key ID, alias/NAME or an ARN", hint))
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

/// Empty, or `HOST[:PORT]`, where the host may be an IPv6 address in brackets.
fn is_endpoint(endpoint: &str) -> bool {
    let (host, port) = match endpoint.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (endpoint, None),
    };
    let host_is_good = match host.strip_prefix('[') {
        Some(address) => {
            address.strip_suffix(']').is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')),
    };
    host_is_good && port.is_none_or(|port| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn names_key(id: &str) -> bool {
    is_key_id(id) || is_alias(id) || is_arn(id)
}

/// A UUID, with or without its dashes; `mrk-` marks a multi-region key.
fn is_key_id(id: &str) -> bool {
    let mut rest = id.strip_prefix("mrk-").unwrap_or(id);
    for (place, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, after)) = rest.split_at_checked(digits) else {
            return false;
        };
        if !group.bytes().all(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn is_alias(id: &str) -> bool {
    id.strip_prefix("alias/").is_some_and(|name| !name.is_empty())
}

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID` or `…:alias/NAME`, with an account of 12 digits. Any
/// partition is accepted: there will be new ones.
fn is_arn(id: &str) -> bool {
    let parts: Vec<&str> = id.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    arn == "arn"
        && partition.starts_with("aws")
        && service == "kms"
        && !region.is_empty()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && (is_alias(resource) || resource.strip_prefix("key/").is_some_and(is_key_id))
}
