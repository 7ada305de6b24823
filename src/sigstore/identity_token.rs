//! An identity token: a JSON Web Token (RFC 7519) in which an OIDC issuer names an identity. The
//! certificate authority verifies its signature. Here it is recognized, and searched for the reason
//! of a refusal, which the authority does not return. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::file::Malformed;
use crate::printable::show;

/// The largest token file that is read, in bytes. Real ones have about 1,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 16;

/// The audience that a token must have, unless another client ID is given.
pub(crate) const AUDIENCE: &str = "sigstore";

/// An identity token. It is a secret: its holder can sign as that identity until it expires.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IdentityToken {
    text: String,
    claims: Claims,
}

/// The claims of a token that name its owner, or explain a refusal (RFC 7519, 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    email: Option<String>,
    // Some issuers write it as a string.
    email_verified: Option<Value>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    /// The name of a workflow at GitHub, and at GitLab.
    job_workflow_ref: Option<String>,
    ci_config_ref_uri: Option<String>,
}

/// Seconds since 1970, perhaps with a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct NumericDate(f64);

impl Eq for NumericDate {}

impl NumericDate {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a date out of range becomes the nearest one in range"
    )]
    fn seconds(self) -> i64 {
        self.0.floor() as i64
    }
}

/// One recipient, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl IdentityToken {
    /// Reads a token. White space around it, such as a trailing newline, is removed, because cosign
    /// rejects it. The error contains nothing of the text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let no_token = || Malformed::new("does not contain an identity token");
        let text = std::str::from_utf8(text.trim_ascii()).map_err(|_| no_token())?;
        if text.is_empty() {
            return Err(Malformed::new("is empty"));
        }
        let parts: Result<Vec<_>, _> = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part)).collect();
        let Ok([_, payload, _]) = parts.as_deref() else { return Err(no_token()) };
        let claims = serde_json::from_slice(payload).map_err(|_| no_token())?;
        Ok(Self { text: text.to_owned(), claims })
    }

    /// The token itself.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Why no authority would accept it at `now`, in seconds since 1970: a sentence.
    pub(crate) fn intrinsic_fault(&self, now: i64) -> Option<String> {
        let Claims { sub, email, email_verified, exp, nbf, .. } = &self.claims;
        let [exp, nbf] = [exp, nbf].map(|moment| moment.map(NumericDate::seconds));
        if let Some(exp) = exp.filter(|exp| *exp <= now) {
            let ago = now.saturating_sub(exp);
            return Some(format!("the token expired {ago} seconds ago: get a new one"));
        }
        if let Some(nbf) = nbf.filter(|nbf| *nbf > now) {
            return Some(format!(
                "the token is not valid for {} more seconds: check the clocks of this machine and of its issuer",
                nbf.saturating_sub(now)
            ));
        }
        let [sub, email] = [sub, email].map(|name| name.as_deref().filter(|name| !name.is_empty()));
        let is_verified = [Value::Bool(true), Value::from("true")].map(Some).contains(email_verified);
        match (sub, email) {
            (_, Some(_)) if !is_verified => {
                Some("the token's issuer has not verified the e-mail address in it".to_owned())
            }
            (None, None) => Some("the token has neither a subject nor an e-mail address".to_owned()),
            _ => None,
        }
    }

    /// The same, and why it is not for `audience`.
    pub(crate) fn fault(&self, now: i64, audience: &str) -> Option<String> {
        let fault_of_audience = || {
            let audiences = match &self.claims.aud {
                None => &[][..],
                Some(Audience::One(name)) => std::slice::from_ref(name),
                Some(Audience::Several(names)) => names,
            };
            if audiences.iter().any(|name| name == audience) {
                return None;
            }
            let audiences = match audiences {
                [] => "no audience".to_owned(),
                names => names.iter().map(|name| format!("`{}`", show(name))).collect::<Vec<_>>().join(", "),
            };
            Some(format!("the token is for {audiences}, but must be for `{}`", show(audience)))
        };
        self.intrinsic_fault(now).or_else(fault_of_audience)
    }

    /// The issuer that it names.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.iss.as_deref()
    }

    /// Whether it is for this identity of this issuer: an e-mail address, a subject, or the name
    /// that Fulcio gives a workflow at GitHub or GitLab.
    pub(crate) fn is_of(&self, identity: &str, issuer: &str) -> bool {
        let Claims { iss, sub, email, job_workflow_ref, ci_config_ref_uri, .. } = &self.claims;
        let is = |name: &Option<String>| name.as_deref() == Some(identity);
        let ends = |path: &Option<String>| {
            let name = identity.strip_prefix("https://");
            let on_a_host = |path: &String| {
                name.is_some_and(|name| name.split_once('/').is_some_and(|(_, rest)| rest == path))
            };
            path.as_ref().is_some_and(on_a_host)
        };
        let with_host =
            ci_config_ref_uri.as_deref().is_some_and(|uri| identity.strip_prefix("https://") == Some(uri));
        iss.as_deref() == Some(issuer) && (is(sub) || is(email) || ends(job_workflow_ref) || with_host)
    }
}

/// Never prints the token.
impl std::fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityToken").field("claims", &self.claims).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature"))
    }

    #[test]
    fn white_space_around_a_token_is_removed() {
        let text = token(r#"{"aud":"sigstore","exp":100}"#);
        let read = IdentityToken::parse(format!(" {text}\r\n").as_bytes()).unwrap();
        assert_eq!(read.text(), text);
        assert!(!format!("{read:?}").contains(&text));
    }

    #[test]
    fn a_token_is_for_its_subject_and_its_address() {
        let text = token(
            r#"{"iss":"https://id.example","sub":"dev","email":"dev@example.test","job_workflow_ref":"o/r/.github/workflows/w.yml@refs/heads/main","ci_config_ref_uri":"gitlab.example/g/p//.gitlab-ci.yml@refs/heads/main"}"#,
        );
        let read = IdentityToken::parse(text.as_bytes()).unwrap();
        for (identity, issuer, is) in [
            ("https://github.com/o/r/.github/workflows/w.yml@refs/heads/main", "https://id.example", true),
            ("https://github.com/x/o/r/.github/workflows/w.yml@refs/heads/main", "https://id.example", false),
            ("https://gitlab.example/g/p//.gitlab-ci.yml@refs/heads/main", "https://id.example", true),
            ("dev", "https://id.example", true),
            ("dev@example.test", "https://id.example", true),
            ("other", "https://id.example", false),
            ("dev", "https://other.example", false),
        ] {
            assert_eq!(read.is_of(identity, issuer), is, "{identity} {issuer}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let none = "does not contain an identity token";
        let cut = token("{");
        for (text, why) in [
            ("", "is empty"),
            ("\n", "is empty"),
            ("a.b", none),
            ("a.b.c.d", none),
            ("a.!.c", none),
            ("!.e30.e30", none),
            ("e30.e30.!", none),
            (cut.as_str(), none),
            ("\u{fffd}.e30.c\u{fffd}.", none),
            ("e30\nHost: x.e30.e30", none),
            ("e30.e30.e30=", none),
        ] {
            assert_eq!(IdentityToken::parse(text.as_bytes()).unwrap_err().to_string(), why, "{text}");
        }
        assert_eq!(IdentityToken::parse(b"\xff").unwrap_err().to_string(), none);
    }

    #[test]
    fn the_fault_of_a_token_is_found() {
        const UNVERIFIED: Option<&str> = Some("the token's issuer has not verified the e-mail address in it");
        for (claims, fault) in [
            (r#"{"aud":"sigstore","exp":101,"nbf":100,"sub":"dev"}"#, None),
            (r#"{"aud":["other","sigstore"],"exp":101,"sub":"dev"}"#, None),
            (r#"{"aud":"sigstore","email":"dev@example.test","email_verified":true}"#, None),
            (r#"{"aud":"sigstore","email":"dev@example.test","email_verified":"true"}"#, None),
            (
                r#"{"aud":"sigstore","email":"dev@example.test","email_verified":false,"sub":"dev"}"#,
                UNVERIFIED,
            ),
            (r#"{"aud":"sigstore","email":"dev@example.test"}"#, UNVERIFIED),
            (
                r#"{"aud":"sigstore","email":""}"#,
                Some("the token has neither a subject nor an e-mail address"),
            ),
            (
                r#"{"aud":"sigstore","sub":"dev","exp":100.5}"#,
                Some("the token expired 0 seconds ago: get a new one"),
            ),
            (r#"{"aud":"sigstore","exp":40}"#, Some("the token expired 60 seconds ago: get a new one")),
            (
                r#"{"exp":-9223372036854775808}"#,
                Some("the token expired 9223372036854775807 seconds ago: get a new one"),
            ),
            (
                r#"{"aud":"sigstore","exp":200,"nbf":130}"#,
                Some(
                    "the token is not valid for 30 more seconds: check the clocks of this machine and of its issuer",
                ),
            ),
            (
                r#"{"aud":["a","b\n"],"exp":200,"sub":"dev"}"#,
                Some(r"the token is for `a`, `b\u{a}`, but must be for `sigstore`"),
            ),
            (r#"{"exp":200,"sub":"dev"}"#, Some("the token is for no audience, but must be for `sigstore`")),
        ] {
            let read = IdentityToken::parse(token(claims).as_bytes()).unwrap();
            assert_eq!(read.fault(100, AUDIENCE).as_deref(), fault, "{claims}");
        }
    }
}
