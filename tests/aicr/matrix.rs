//! What must hold with every release of cosign: each release verifies the signatures of each other
//! one, no forgery is accepted, nothing is sent, and the recipes without `aicr` work. `make matrix`
//! runs these tests with all releases of `scripts/cosign-releases.txt`, `make test` with the
//! installed one.

mod foreign;
mod forged;
mod future;
mod network;
mod pairs;
mod recipes;
mod several;
mod variables;

/// Releases that accept forged, relabelled or diverted signatures, according to advisories and
/// tests. They show that the attacks here are real.
const VULNERABLE: [&str; 5] = ["v2.0.2", "v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2"];
