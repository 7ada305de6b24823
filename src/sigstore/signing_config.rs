//! The signing config: the services that cosign may send a signature to, read from the operator's
//! file or made from addresses. Pure. `commands/services.rs` checks that they are enough for a
//! plan.

#[cfg(test)]
mod tests;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::RekorVersion;
use super::file::{Malformed, SigstoreFile};
use super::validity::{Moment, Validity};
use crate::plan::service::ServiceUrl;
use crate::printable::show;

/// The services of a Sigstore. The default has none: a signature is sent nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SigningConfig {
    media_type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ca_urls: Vec<Service>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    oidc_urls: Vec<Service>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rekor_tlog_urls: Vec<Service>,
    // No `Option`: cosign dereferences it, and crashes if it is absent.
    #[serde(default)]
    rekor_tlog_config: Selection,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tsa_urls: Vec<Service>,
    #[serde(default)]
    tsa_config: Selection,
}

/// A service: its address, its API version, its operator, and when it is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Service {
    #[serde(serialize_with = "write_url", deserialize_with = "read_url")]
    url: ServiceUrl,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    major_api_version: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_for: Option<Validity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
}

/// How many of the valid services are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Selection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    selector: Option<Selector>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Selector {
    All,
    Any,
    Exact,
}

impl Default for SigningConfig {
    fn default() -> Self {
        Self {
            media_type: SigstoreFile::SigningConfig.media_type().into(),
            ca_urls: Vec::new(),
            oidc_urls: Vec::new(),
            rekor_tlog_urls: Vec::new(),
            rekor_tlog_config: Selection::default(),
            tsa_urls: Vec::new(),
            tsa_config: Selection::default(),
        }
    }
}

impl SigningConfig {
    /// Reads what `cosign signing-config create` writes. cosign accepts more: snake case, numbers
    /// as strings, selectors as numbers.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let mut as_written = SigstoreFile::SigningConfig.open(text)?;
        let config: Self = serde_json::from_slice(text).map_err(|error| {
            Malformed::new(format!("is not a signing config: {}", show(error.to_string())))
        })?;
        for (services, selection, kind, field) in [
            (&config.rekor_tlog_urls, &config.rekor_tlog_config, "logs", "rekorTlogConfig"),
            (&config.tsa_urls, &config.tsa_config, "timestamp authorities", "tsaConfig"),
        ] {
            selection
                .check(services.len())
                .map_err(|why| Malformed::new(format!("names {kind}, but its {field} {why}")))?;
        }
        // serde reads an array as a struct, too. Empty lists may be present or absent.
        if let Value::Object(fields) = &mut as_written {
            fields.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
            for selection in ["rekorTlogConfig", "tsaConfig"] {
                fields.entry(selection).or_insert_with(|| Value::Object(serde_json::Map::new()));
            }
        }
        if serde_json::to_value(&config).is_ok_and(|again| again == as_written) {
            Ok(config)
        } else {
            Err(Malformed::new("is not written in the form of a signing config"))
        }
    }

    /// With Fulcio at `url`.
    pub(crate) fn with_authority(mut self, url: &ServiceUrl) -> Self {
        self.ca_urls.push(Service::new(base(url), 1));
        self
    }

    /// With the OIDC issuer `url`. The address is also the issuer's name, so it stays as it was
    /// typed.
    pub(crate) fn with_issuer(mut self, url: &ServiceUrl) -> Self {
        self.oidc_urls.push(Service::new(url.clone(), 1));
        self
    }

    /// With the log at `url`.
    pub(crate) fn with_log(mut self, url: &ServiceUrl, version: RekorVersion) -> Self {
        let version = match version {
            RekorVersion::V1 => 1,
            RekorVersion::V2 => 2,
        };
        self.rekor_tlog_urls.push(Service::new(base(url), version));
        self.rekor_tlog_config = Selection::any();
        self
    }

    /// With the timestamp authority at `url`, the whole address of the request.
    pub(crate) fn with_timestamp_authority(mut self, url: &ServiceUrl) -> Self {
        self.tsa_urls.push(Service::new(url.clone(), 1));
        self.tsa_config = Selection::any();
        self
    }

    /// The same for a signature by a key: without certificate authorities and OIDC issuers, which
    /// it does not need.
    #[must_use]
    pub(crate) fn only_for_a_key(&self) -> Self {
        Self { ca_urls: Vec::new(), oidc_urls: Vec::new(), ..self.clone() }
    }

    /// The services that every cosign of the dialect would use at `time`, in seconds since 1970.
    /// cosign ignores those that are not valid then, and those with an API version that it does not
    /// support.
    #[must_use]
    pub(crate) fn usable_at(mut self, time: i64) -> Self {
        for (services, versions) in [
            (&mut self.ca_urls, 1..=1),
            (&mut self.oidc_urls, 1..=1),
            (&mut self.rekor_tlog_urls, 1..=2),
            (&mut self.tsa_urls, 1..=1),
        ] {
            services.retain(|service| service.is_valid_at(time) && versions.contains(&service.api_version()));
        }
        self
    }

    /// The kind of service of which cosign would use more than one: the end of a sentence.
    pub(crate) fn wants_several(&self) -> Option<&'static str> {
        let several = |selection: &Selection, services: &[Service]| match selection.selector {
            Some(Selector::All) => services.len() > 1,
            Some(Selector::Exact) => selection.count.unwrap_or(0) > 1,
            Some(Selector::Any) | None => false,
        };
        if several(&self.rekor_tlog_config, &self.rekor_tlog_urls) {
            return Some("more than one transparency log (rekorTlogConfig)");
        }
        several(&self.tsa_config, &self.tsa_urls).then_some("more than one timestamp authority (tsaConfig)")
    }

    /// The certificate authorities.
    pub(crate) fn authorities(&self) -> &[Service] {
        &self.ca_urls
    }

    /// The OIDC issuers.
    pub(crate) fn issuers(&self) -> &[Service] {
        &self.oidc_urls
    }

    /// The transparency logs.
    pub(crate) fn logs(&self) -> &[Service] {
        &self.rekor_tlog_urls
    }

    /// The timestamp authorities.
    pub(crate) fn timestamp_authorities(&self) -> &[Service] {
        &self.tsa_urls
    }

    /// The file for cosign: compact JSON without a newline.
    pub(crate) fn to_json(&self) -> String {
        // Structs, strings and numbers only: there is no map key to fail on.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Service {
    /// The service of a flag. It is valid from 1970 on, without an end, so that it works on
    /// machines with a wrong clock.
    fn new(url: ServiceUrl, major_api_version: u32) -> Self {
        Self {
            url,
            major_api_version: Some(major_api_version),
            valid_for: Moment::parse("1970-01-01T00:00:00Z").map(Validity::since),
            operator: Some("aicr".into()),
        }
    }

    /// Its address.
    pub(crate) fn url(&self) -> &ServiceUrl {
        &self.url
    }

    /// The major version of its API: for a log 1 or 2, for all others 1. 0 is an unreleased one.
    pub(crate) fn api_version(&self) -> u32 {
        self.major_api_version.unwrap_or(0)
    }

    /// Whether it is valid at `time`, in seconds since 1970. Otherwise cosign ignores it.
    fn is_valid_at(&self, time: i64) -> bool {
        self.valid_for.as_ref().is_none_or(|validity| validity.covers(time))
    }
}

impl Selection {
    fn any() -> Self {
        Self { selector: Some(Selector::Any), count: None }
    }

    /// Checks what cosign would reject only after everything else is done.
    fn check(&self, services: usize) -> Result<(), Malformed> {
        let count = self.count.unwrap_or(0);
        match self.selector {
            None if services > 0 => Err(Malformed::new("has no selector (ANY, ALL or EXACT)")),
            Some(Selector::Exact) if services > 0 && count == 0 => {
                Err(Malformed::new("has EXACT without a count"))
            }
            Some(Selector::Exact) if services > 0 && count as usize > services => {
                Err(Malformed::new(format!("requires {count} of {services}")))
            }
            _ => Ok(()),
        }
    }
}

/// The address of a log or certificate authority without a slash at its end. cosign appends a path,
/// and 2.6 to 3.1 would write a second slash, which servers answer with a redirection.
fn base(url: &ServiceUrl) -> ServiceUrl {
    ServiceUrl::parse(url.as_str().trim_end_matches('/')).unwrap_or_else(|_| url.clone())
}

fn write_url<S: Serializer>(url: &ServiceUrl, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.as_str())
}

fn read_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServiceUrl, D::Error> {
    let text = String::deserialize(deserializer)?;
    ServiceUrl::parse(&text).map_err(|error| D::Error::custom(error.problem))
}
