//! The page and the code have the same events, and each event the same fields.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use strum::VariantNames;
use tokensmith_verifier::Timestamp;

use super::authorized::AuthorizedRequest;
use super::*;
use crate::credential::GrantId;
use crate::error::GrantDenied;
use crate::keys::Rotation;
use crate::names::{Audience, ClientId, FederationName, IssuerUrl, SubjectName};
use crate::store::records::{ChangeOutcome, ForeignTable, GrantType, OperatorChange, Settings};
use documented::{Documented, Fields};

#[path = "../../../../tests/src/documented.rs"]
mod documented;

const PAGE: &str = include_str!("../../../../docs/events.md");

#[test]
fn the_page_and_the_code_have_the_same_events() {
    let page = Documented::read(PAGE);
    let of_code = BTreeMap::from([
        ("Requests", RequestEvent::VARIANTS),
        ("Authorizer", Judgement::VARIANTS),
        ("Service", ServiceEvent::VARIANTS),
        ("Operators", AdminEvent::VARIANTS),
    ]);
    assert_eq!(
        page.sections.keys().collect::<Vec<_>>(),
        of_code.keys().collect::<Vec<_>>()
    );
    for (section, events) in &page.sections {
        let listed: BTreeSet<&str> = events.keys().map(String::as_str).collect();
        let made: BTreeSet<&str> = of_code[section.as_str()].iter().copied().collect();
        assert_eq!(listed, made, "{section}");
    }
}

#[test]
fn the_page_and_the_code_have_the_same_fields() {
    let page = Documented::read(PAGE);
    let mut used = BTreeSet::new();
    for (section, lines) in all_lines() {
        let events = &page.sections[section];
        let sampled: BTreeSet<&str> = lines.iter().map(event_of).collect();
        let listed: BTreeSet<&str> = events.keys().map(String::as_str).collect();
        assert_eq!(sampled, listed, "a sample of each event of {section}");
        for line in &lines {
            let event = event_of(line);
            let fields: BTreeSet<&str> = names(line).collect();
            let listed: BTreeSet<&str> = events[event].keys().map(String::as_str).collect();
            assert_eq!(fields, listed, "{event}");
            used.extend(fields.into_iter().map(str::to_owned));
        }
    }
    assert_eq!(page.explained, used);
}

#[test]
fn a_field_is_optional_on_the_page_when_it_is_in_the_code() {
    let page = Documented::read(PAGE);
    let least = [
        (
            "Requests",
            request(RequestEvent::Denied {
                known: Known::default(),
                reason: "r",
                is_security_event: false,
            }),
        ),
        (
            "Authorizer",
            line(Event::Authorizer(&Authorized::new(
                refused(None),
                authorized(None),
            ))),
        ),
        (
            "Service",
            service(ServiceEvent::NotRouted {
                path: None,
                status: 404,
                source: None,
            }),
        ),
    ];
    for (section, line) in least {
        let optional = |fields: &Fields| {
            let always = fields.iter().filter(|(_, always)| **always);
            always
                .map(|(name, _)| name.clone())
                .collect::<BTreeSet<_>>()
        };
        let fields: BTreeSet<String> = names(&line).map(str::to_owned).collect();
        assert_eq!(fields, optional(&page.sections[section][event_of(&line)]));
    }
}

#[test]
fn a_line_that_the_page_does_not_describe_is_found() {
    let page = Documented::read(PAGE);
    let good = service(ServiceEvent::FetchPrivate { message: "m" });
    assert_eq!(page.check(&good), Ok(()));
    for (field, value) in [
        ("secret", json!("x")),
        ("event", json!("nothing")),
        ("message", Value::Null),
    ] {
        let mut wrong = good.clone();
        match value.is_null() {
            true => drop(wrong.as_object_mut().expect("an object").remove(field)),
            false => wrong[field] = value,
        }
        assert!(page.check(&wrong).is_err(), "{wrong}");
    }
}

/// A line of each event with every field that it can have, by the section that it is in.
fn all_lines() -> [(&'static str, Vec<Value>); 4] {
    [
        ("Requests", all_requests()),
        ("Authorizer", all_judgements()),
        ("Service", all_of_service()),
        ("Operators", all_changes()),
    ]
}

fn all_requests() -> Vec<Value> {
    let client = || Some("app".parse().expect("an id"));
    let subject = || "s".parse().expect("a subject");
    let (app, rule) = ("app".parse().expect("an id"), "r".parse().expect("a name"));
    let grant = GrantId::random(&"s".parse().expect("a subject"));
    let (rule, grant_type) = (Some(rule), GrantType::RefreshToken);
    let key = || Some("0123456789abcdef".parse().expect("an id"));
    let known = || Known {
        client: Some("app".parse().expect("an id")),
        rule: rule.clone(),
        key: key(),
        grant_type: Some(grant_type),
        grant: Some(grant),
    };
    let events = [
        RequestEvent::Issued {
            client: app,
            rule: rule.clone(),
            key: key(),
            grant_type,
            grant: Some(grant),
            token: IssuedToken::sample(),
            chain: Some(DelegationChain::sample()),
        },
        RequestEvent::Refreshed {
            client: "app".parse().expect("an id"),
            rule: rule.clone(),
            grant_type,
            grant,
            token: IssuedToken::sample(),
        },
        RequestEvent::reused(
            "app".parse().expect("an id"),
            rule.clone(),
            grant_type,
            grant,
            &GrantDenied::RefreshTokenReused,
        ),
        RequestEvent::Revoked {
            client: "app".parse().expect("an id"),
            rule: rule.clone(),
            grant: Some(grant),
            jti: Some("j".to_owned()),
            key: key(),
            revoked: true,
            reason: Some(Noteworthy::WithdrawnKey),
        },
        RequestEvent::Introspected {
            client: "app".parse().expect("an id"),
            rule: rule.clone(),
            key: key(),
            active: true,
            reason: Some(Noteworthy::WithdrawnKey),
        },
        RequestEvent::device_asked(
            &"app".parse().expect("an id"),
            rule.clone(),
            &"s".parse().expect("scopes"),
            &["https://api.example".parse().expect("an audience")],
        ),
        RequestEvent::Pending {
            known: known(),
            reason: "r",
        },
        RequestEvent::Userinfo {
            subject: "s".parse().expect("a subject"),
            client: "app".parse().expect("an id"),
            grant,
            jti: "j".to_owned(),
        },
        RequestEvent::Reported {
            findings: 2,
            revoked_keys: 1,
        },
        RequestEvent::Pushed {
            client: "app".parse().expect("an id"),
            rule: "r".parse().ok(),
        },
        RequestEvent::SignedIn {
            subject: subject(),
            client: client(),
            methods: vec!["pwd".to_owned()],
            upstream: "op".parse().ok(),
            new_user: true,
        },
        RequestEvent::Linked {
            subject: subject(),
            upstream: "op".parse().expect("a name"),
        },
        RequestEvent::Authorized {
            subject: subject(),
            client: "app".parse().expect("an id"),
            grant,
            scope: "s".to_owned(),
            aud: "a".to_owned(),
            asked: true,
        },
        RequestEvent::Ended {
            subject: subject(),
            what: Ending::Grant,
            client: client(),
            grant: Some(grant),
            grants: 1,
        },
        RequestEvent::PasswordChanged {
            subject: subject(),
            grants: 1,
        },
        RequestEvent::Served {},
        RequestEvent::Denied {
            known: known(),
            reason: "r",
            is_security_event: true,
        },
        RequestEvent::Limited {
            known: known(),
            limit_of: "client",
            reason: "r",
        },
        RequestEvent::Unavailable {
            known: known(),
            failure: "f".to_owned(),
        },
    ];
    let with_context = events.into_iter().map(|event| {
        let context = RequestContext {
            request_id: "i".to_owned(),
            source: Some("127.0.0.1".to_owned()),
            trace_id: Some("t".to_owned()),
        };
        let end = (StatusCode::OK, std::time::Duration::ZERO);
        line(Event::Request(&Answered::new(
            "token",
            &Method::POST,
            context,
            event,
            end,
        )))
    });
    with_context.collect()
}

/// A request of which the host knows nothing.
fn request(event: RequestEvent) -> Value {
    let end = (StatusCode::OK, std::time::Duration::ZERO);
    let context = RequestContext::unknown();
    let answered = Answered::new("token", &Method::POST, context, event, end);
    line(Event::Request(&answered))
}

fn all_judgements() -> Vec<Value> {
    let judgements = [
        Judgement::Allowed {
            client: "c",
            grant: Some("g"),
            key: Some("k"),
        },
        Judgement::Limited {
            client: "c",
            grant: Some("g"),
            key: Some("k"),
            limit_of: "key",
            reason: "r",
        },
        refused(Some("c")),
        Judgement::Unavailable {
            failure: "f".to_owned(),
        },
    ];
    let lines = judgements.into_iter().map(|judgement| {
        let authorized = Authorized::new(judgement, authorized(Some("GET /")));
        line(Event::Authorizer(&authorized))
    });
    lines.collect()
}

fn refused(client: Option<&'static str>) -> Judgement<'static> {
    Judgement::Refused {
        client,
        grant: client,
        key: client,
        reason: "r",
        is_security_event: true,
    }
}

fn authorized(route: Option<&'static str>) -> AuthorizedRequest<'static> {
    AuthorizedRequest {
        request_id: "i",
        route,
        latency_us: 1,
        aws_calls: 0,
        feed_age_s: route.map(|_| 1),
    }
}

fn all_of_service() -> Vec<Value> {
    let message = "m";
    let url: IssuerUrl = "https://issuer.example".parse().expect("a URL");
    let settings = Settings {
        issuer: "https://issuer.example".parse().expect("a URL"),
        wrapping_key: None,
    };
    let foreign = ForeignTable {
        found: settings.clone(),
        expected: settings,
    };
    let events = [
        ServiceEvent::StartFailed { message },
        ServiceEvent::WarmUpFailed { message },
        ServiceEvent::RotateKeys {
            rotation: &Rotation::default(),
            left_feed: 0,
        },
        ServiceEvent::RotateKeysFailed { message },
        ServiceEvent::HeartbeatFailed { message },
        ServiceEvent::foreign_table(&foreign),
        ServiceEvent::issuer_changed(&url, &url),
        ServiceEvent::FetchFailed {
            host: "h",
            message: message.to_owned(),
        },
        ServiceEvent::LastUseFailed {
            key: &"0123456789abcdef".parse().expect("an id"),
            message: message.to_owned(),
        },
        ServiceEvent::KeyLeaked {
            key: &"0123456789abcdef".parse().expect("an id"),
            client: &"app".parse().expect("an id"),
            found_at: Some("u".to_owned()),
        },
        ServiceEvent::NotRouted {
            path: Some("/"),
            status: 404,
            source: Some("127.0.0.1".to_owned()),
        },
        ServiceEvent::AuthorizeAnswerTooLong {
            request_id: "i",
            bytes: 1,
        },
        ServiceEvent::InsecureHttp {
            issuer: &url,
            message,
        },
        ServiceEvent::FetchPrivate { message },
        ServiceEvent::AcceptFailed { message },
        ServiceEvent::ExpiryFailed { message },
        ServiceEvent::PageFailed { message },
        ServiceEvent::ShutdownTimeout { message },
    ];
    events.into_iter().map(service).collect()
}

fn all_changes() -> Vec<Value> {
    let client: ClientId = "app".parse().expect("an id");
    let subject: SubjectName = "s".parse().expect("a subject");
    let grant = GrantId::random(&subject);
    let resource: Audience = "https://api.example/".parse().expect("a URI");
    let federation_source: FederationName = "f".parse().expect("a name");
    let url: IssuerUrl = "https://issuer.example".parse().expect("a URL");
    let belonged_to = Settings {
        issuer: url.clone(),
        wrapping_key: None,
    };
    let of = |name: &str| -> AdminEvent {
        let all = json!({
            "event": name, "client": client, "subject": subject, "grant": grant, "resource": resource,
            "federation_source": federation_source, "rule": federation_source, "upstream": "op", "jti": "j", "kid": "k", "key": "0123456789abcdef", "replaced_by": "0123456789abcdef", "lowered": [],
            "created": [], "withdrawn": [], "hmac_key_version": 1, "belonged_to": belonged_to, "from": url, "to": url,
        });
        serde_json::from_value(all).expect("an event that has these fields and no others")
    };
    let lines = AdminEvent::VARIANTS.iter().map(|name| {
        line(Event::Operator(OperatorLine::from(&OperatorChange {
            begun_at: Timestamp::from_seconds(1),
            millis: 0,
            id: "i".to_owned(),
            by: "me".to_owned(),
            change: of(name),
            outcome: ChangeOutcome::Failed,
            reason: Some("r".to_owned()),
        })))
    });
    lines.collect()
}

fn service(event: ServiceEvent<'_>) -> Value {
    line(Event::Service(&event))
}

fn line(event: Event<'_>) -> Value {
    serde_json::to_value(event.at(std::time::UNIX_EPOCH)).expect("JSON")
}

fn names(line: &Value) -> impl Iterator<Item = &str> {
    line.as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
}

fn event_of(line: &Value) -> &str {
    line["event"].as_str().expect("a name")
}
