//! What a request brings, and what it needs.

use super::*;

impl Cases<'_> {
    /// The token has `orders:read` and `orders:write`.
    pub(super) fn scopes(&mut self) {
        for required in [
            "orders:read",
            "orders:read & orders:write",
            "admin | orders:write",
            "",
        ] {
            let name = format!("has the scopes of `{required}`");
            self.accepts(&name, claims()).required = required.to_owned();
        }
        for (required, sufficient) in [
            ("admin", "admin"),
            ("orders:read & admin", "orders:read admin"),
            ("(admin | root) & orders:read", "admin orders:read"),
            ("orders", "orders"),
            ("Orders:read", "Orders:read"),
            ("\"a|b\" & orders:read", "a|b orders:read"),
        ] {
            let (token, lacks) = (
                self.token(&claims()),
                lacks_scope(sufficient, Schemes::Bearer),
            );
            let name = format!("lacks the scopes of `{required}`");
            self.case(&name, token, lacks).required = required.to_owned();
        }
        let none = claims_with(json!({ "scope": null }));
        let (token, lacks) = (self.token(&none), lacks_scope("admin", Schemes::Bearer));
        self.case("no scope at all", token, lacks).required = "admin".to_owned();
        self.refuses(
            "expired, and lacks a scope",
            &claims_with(json!({ "exp": START - 60 })),
            "expired",
        )
        .required = "admin".to_owned();
    }

    pub(super) fn requests(&mut self) {
        let good = self.token(&claims());
        let accepted = || Outcome::Accept { claims: claims() };
        let as_is = |header: &str| vec![header.to_owned()];
        self.request(
            "the scheme ignores case",
            as_is(&format!("bEARER {good}")),
            accepted(),
        );
        self.request(
            "spaces around the token",
            as_is(&format!("  Bearer   {good} ")),
            accepted(),
        );
        let of = |reason| refused(reason, Schemes::Bearer);
        self.request("no Authorization", vec![], of("no_token"));
        for header in ["", "Basic YTpi", "Bearerx a", "a.b.c", "DPoP a.b.c"] {
            self.request(
                &format!("no bearer token: `{header}`"),
                as_is(header),
                of("no_token"),
            );
        }
        for rest in [
            "",
            " ",
            " =",
            " a b",
            " a,b",
            " a=b",
            " é",
            " \"a\"",
            " a, Bearer b",
            " \ta\tb",
        ] {
            let header = format!("Bearer{rest}");
            self.request(
                &format!("no b64token: `{header}`"),
                as_is(&header),
                of("malformed_header"),
            );
        }
        for (name, second) in [
            ("the same twice", format!("Bearer {good}")),
            ("with another", "Basic YTpi".to_owned()),
        ] {
            let both = vec![format!("Bearer {good}"), second];
            self.request(
                &format!("a repeated header: {name}"),
                both,
                of("repeated_header"),
            );
        }
        let long = format!("Bearer {}", "a".repeat(8193));
        self.request(
            "8,193 characters that are no token",
            as_is(&long),
            of("too_long"),
        );
    }

    fn request(&mut self, name: &str, authorization: Vec<String>, expected: Outcome) {
        self.made.push(TokenCase::Headers(Headers {
            name: name.to_owned(),
            now: START,
            issuer: ISSUER.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            required: String::new(),
            authorization,
            expected,
        }));
    }

    pub(super) fn expressions(&mut self) {
        let met = |sufficient: &str| Meaning::Met {
            sufficient: sufficient.to_owned(),
        };
        let not_met = |sufficient: &str| Meaning::NotMet {
            sufficient: sufficient.to_owned(),
        };
        for (expression, granted, meaning) in [
            ("", &[][..], met("")),
            ("   ", &[], met("")),
            ("a", &["a"], met("a")),
            ("a", &["b"], not_met("a")),
            ("a", &["A"], not_met("a")),
            ("a & b", &["a", "b"], met("a b")),
            ("a&b", &["a"], not_met("a b")),
            ("a | b", &["b"], met("a")),
            ("a|b", &[], not_met("a")),
            ("a & b | c", &["c"], met("a b")),
            ("a & b | c", &["a"], not_met("a b")),
            ("a | b & c", &["a"], met("a")),
            ("a | b & c", &["c"], not_met("a")),
            ("a & (b | c)", &["a", "c"], met("a b")),
            ("a & (b | c)", &["c"], not_met("a b")),
            ("(a | b) & (a | c)", &["b", "c"], met("a")),
            ("((a))", &["a"], met("a")),
            ("a & a", &["a"], met("a")),
            ("\"a&b\" | c", &["a&b"], met("a&b")),
            ("\"a\"&\"b\"", &["a", "b"], met("a b")),
            (
                "urn:example:x/y.z_~+-*",
                &["urn:example:x/y.z_~+-*"],
                met("urn:example:x/y.z_~+-*"),
            ),
        ] {
            self.expression(expression, granted, meaning);
        }
        let (deep, deeper) = (
            "(".repeat(16) + "a" + &")".repeat(16),
            "(".repeat(17) + "a" + &")".repeat(17),
        );
        self.expression(&deep, &["a"], met("a"));
        for (expression, reason) in [
            ("&", "missing_scope"),
            ("a &", "missing_scope"),
            ("a | | b", "missing_scope"),
            ("()", "missing_scope"),
            ("\"\"", "missing_scope"),
            ("a b", "missing_operator"),
            ("a (b)", "missing_operator"),
            ("(a b)", "missing_operator"),
            ("(a", "unbalanced"),
            ("a)", "unbalanced"),
            ("\"a", "unbalanced"),
            ("a\\b", "forbidden_character"),
            ("é", "forbidden_character"),
            ("a\tb", "forbidden_character"),
            ("\"a b\"", "forbidden_character"),
            (&deeper, "too_deep"),
        ] {
            self.expression(
                expression,
                &[],
                Meaning::Invalid {
                    reason: reason.to_owned(),
                },
            );
        }
    }

    fn expression(&mut self, expression: &str, granted: &[&str], expected: Meaning) {
        self.made.push(TokenCase::Expression(Expression {
            name: format!("`{expression}` with `{}`", granted.join(" ")),
            expression: expression.to_owned(),
            granted: granted.iter().map(|scope| (*scope).to_owned()).collect(),
            expected,
        }));
    }
}
