//! The section of the signing keys: what state each is in, and its life on a time line.

use std::cmp::Reverse;
use std::time::Duration;

use maud::{Markup, html};
use tokensmith_issuer::admin::ListedKey;
use tokensmith_issuer::keys::KeyState;
use tokensmith_verifier::Timestamp;

use super::moment;

/// The section of `keys` as they are `now`.
pub(super) fn keys_section(mut keys: Vec<ListedKey>, now: Timestamp) -> Markup {
    keys.sort_by_key(|listed| {
        (
            listed.state,
            listed.key.jwk.alg,
            Reverse(listed.key.sequence),
        )
    });
    let left_out = keys.len().saturating_sub(SHOWN);
    keys.truncate(SHOWN);
    let line = TimeLine::of(&keys, now);
    html! {
        section aria-labelledby="keys" {
            h2 id="keys" { "Signing keys" }
            ul .keys { @for listed in &keys { li { (key(listed, &line)) } } }
            p .axis aria-hidden="true" { span { (moment(line.from)) } span { (moment(line.to)) } }
            p .legend aria-hidden="true" {
                span .signs {} " signs " span .published {} " is published " span .now {} " now"
            }
            @if left_out > 0 {
                p { "And " (left_out) " more: " code { "tokensmith key list" } }
            }
        }
    }
}

/// What the bar shows is also said in words, for whoever does not see it.
fn key(listed: &ListedKey, line: &TimeLine) -> Markup {
    let (key, end) = (&listed.key, listed.end);
    let (class, state) = match listed.state {
        KeyState::Active => ("ok", "active"),
        KeyState::Pending => ("pending", "pending"),
        KeyState::Retiring => ("pending", "retiring"),
        KeyState::Retired => ("muted", "retired"),
    };
    let never_signed = has_never_signed(listed);
    let signs_until = end.map(|end| end.signs_until.max(key.active_from));
    html! {
        p .key {
            span .state.(class) { (state) } " " strong { (key.jwk.alg) } " " code { (key.jwk.kid) }
        }
        (line.bar(listed))
        p .muted {
            "Published from " (moment(key.created_at))
            @if let Some(end) = end { " to " (moment(end.published_until)) }
            @if never_signed { "; never signed" } @else {
                "; signs from " (moment(key.active_from))
                @if let Some(until) = signs_until { " to " (moment(until)) }
            }
            @if let Some(withdrawn) = key.withdrawn_at { "; withdrawn " (moment(withdrawn)) }
            "."
        }
    }
}

/// Whether it was withdrawn before it began to sign. (A key that is replaced at once is superseded by one that is
/// dated a second back.)
fn has_never_signed(listed: &ListedKey) -> bool {
    let end = listed.end;
    end.is_some_and(|end| end.published_until < listed.key.active_from)
}

/// The time that all bars have in common.
struct TimeLine {
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
}

impl TimeLine {
    /// From a little before the first key to some time after the last moment that is known, so that a key
    /// without an end is seen to go on.
    fn of(keys: &[ListedKey], now: Timestamp) -> Self {
        let first = keys.iter().map(|listed| listed.key.created_at).min();
        let first = first.map_or(now, |first| first.min(now));
        let moments = keys.iter().flat_map(|listed| {
            let end = listed.end.map(|end| end.published_until);
            [Some(listed.key.active_from), end]
        });
        let last = moments.flatten().max().map_or(now, |last| last.max(now));
        let length = last.since(first).max(SHORTEST);
        Self {
            from: first.before(length / 20),
            to: last.after(length / 4),
            now,
        }
    }

    /// The life of a key. Attributes of SVG place its parts, because the page allows no style but its own sheet.
    fn bar(&self, listed: &ListedKey) -> Markup {
        let (key, end) = (&listed.key, listed.end);
        let published = end.map_or(self.to, |end| end.published_until);
        let signs = end.map_or(self.to, |end| end.signs_until);
        let now = self.percent(self.now);
        html! {
            svg .life width="100%" height="16" aria-hidden="true" {
                rect .line width="100%" y="7" height="2" {}
                (self.part("published", key.created_at, published))
                @if !has_never_signed(listed) { (self.part("signs", key.active_from, signs)) }
                rect .now x=(now) width="2" height="16" {}
            }
        }
    }

    /// A part that was short is a sliver.
    fn part(&self, class: &str, from: Timestamp, to: Timestamp) -> Markup {
        let width = (self.share(to) - self.share(from)).max(SLIVER);
        html! {
            rect class=(class) x=(self.percent(from)) width=(percent(width)) y="3" height="10" {}
        }
    }

    fn percent(&self, moment: Timestamp) -> String {
        percent(self.share(moment))
    }

    /// How far along the line a moment is.
    fn share(&self, moment: Timestamp) -> f64 {
        let all = self.to.since(self.from).as_secs_f64();
        moment.since(self.from).as_secs_f64() / all
    }
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// The active ones come first, and one that was retired long ago tells little.
const SHOWN: usize = 20;
/// What can just be seen, as a share of the line.
const SLIVER: f64 = 0.003;
/// What a time line shows at least, so that a new key's is not one moment.
const SHORTEST: Duration = Duration::from_secs(60 * 60);
