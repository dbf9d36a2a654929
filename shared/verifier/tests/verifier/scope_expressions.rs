//! Required scopes as text, and what they mean.

use proptest::prelude::*;
use tokensmith_verifier::{InvalidScopes, RequiredScopes};

#[test]
fn expressions_are_printed_in_one_way() {
    for (text, printed, sufficient) in [
        ("", "", ""),
        ("  ", "", ""),
        ("a", "a", "a"),
        ("((a))", "a", "a"),
        ("\"a\"", "a", "a"),
        ("a&b", "a & b", "a b"),
        ("a & (b & c)", "a & b & c", "a b c"),
        ("a | (b | c)", "a | b | c", "a"),
        ("a & b | c", "a & b | c", "a b"),
        ("a & (b | c)", "a & (b | c)", "a b"),
        ("(a | b) & (a | c)", "(a | b) & (a | c)", "a"),
        ("\"a&b\"|\"(\"", "\"a&b\" | \"(\"", "a&b"),
        (
            "orders:read & (orders:write | admin)",
            "orders:read & (orders:write | admin)",
            "orders:read orders:write",
        ),
    ] {
        let parsed: RequiredScopes = text.parse().expect(text);
        assert_eq!(parsed.to_string(), printed, "{text}");
        assert_eq!(parsed.sufficient(), sufficient, "{text}");
    }
}

#[test]
fn a_wrong_expression_says_what_is_wrong() {
    let deep = format!("{}a{}", "(".repeat(17), ")".repeat(17));
    for (text, expected) in [
        ("&", InvalidScopes::MissingScope),
        ("a &", InvalidScopes::MissingScope),
        ("| a", InvalidScopes::MissingScope),
        ("a & | b", InvalidScopes::MissingScope),
        ("()", InvalidScopes::MissingScope),
        ("\"\"", InvalidScopes::MissingScope),
        ("a b", InvalidScopes::MissingOperator),
        ("a (b)", InvalidScopes::MissingOperator),
        ("(a b)", InvalidScopes::MissingOperator),
        ("a\"b\"", InvalidScopes::MissingOperator),
        ("(a", InvalidScopes::Unbalanced),
        ("a)", InvalidScopes::Unbalanced),
        ("\"a", InvalidScopes::Unbalanced),
        ("a\\b", InvalidScopes::ForbiddenCharacter),
        ("a\tb", InvalidScopes::ForbiddenCharacter),
        ("\"a b\"", InvalidScopes::ForbiddenCharacter),
        ("ä", InvalidScopes::ForbiddenCharacter),
        (&deep, InvalidScopes::TooDeep),
    ] {
        assert_eq!(text.parse::<RequiredScopes>(), Err(expected), "{text}");
    }
    assert!(
        format!("{}a{}", "(".repeat(16), ")".repeat(16))
            .parse::<RequiredScopes>()
            .is_ok()
    );
}

/// What an expression means, kept apart from the code under test.
#[derive(Clone, Debug)]
enum Model {
    Scope(String),
    AllOf(Vec<Self>),
    AnyOf(Vec<Self>),
}

impl Model {
    fn text(&self) -> String {
        let join = |members: &[Self], separator: &str| {
            let members: Vec<_> = members.iter().map(Self::text).collect();
            format!("({})", members.join(separator))
        };
        match self {
            Self::Scope(scope) => format!("\"{scope}\""),
            Self::AllOf(members) => join(members, "&"),
            Self::AnyOf(members) => join(members, "  |  "),
        }
    }

    fn is_met_by(&self, granted: &[&str]) -> bool {
        match self {
            Self::Scope(scope) => granted.contains(&scope.as_str()),
            Self::AllOf(members) => members.iter().all(|member| member.is_met_by(granted)),
            Self::AnyOf(members) => members.iter().any(|member| member.is_met_by(granted)),
        }
    }
}

fn models() -> impl Strategy<Value = Model> {
    let scope = prop_oneof!["[a-d]", "[!#-\\[\\]-~]{1,8}"].prop_map(Model::Scope);
    scope.prop_recursive(5, 40, 4, |inner| {
        let members = prop::collection::vec(inner, 1..4);
        prop_oneof![
            members.clone().prop_map(Model::AllOf),
            members.prop_map(Model::AnyOf),
        ]
    })
}

proptest! {
    #[test]
    fn an_expression_means_what_it_says_and_prints_to_the_same(
        model in models(),
        granted in prop::collection::vec("[a-d]", 0..4),
    ) {
        let parsed: RequiredScopes = model.text().parse().expect("an expression");
        let granted: Vec<_> = granted.iter().map(String::as_str).collect();
        let met = parsed.are_met_by(|scope| granted.contains(&scope));
        prop_assert_eq!(met, model.is_met_by(&granted));
        let printed = parsed.to_string();
        prop_assert_eq!(printed.parse::<RequiredScopes>(), Ok(parsed.clone()), "{}", printed);
        let sufficient = parsed.sufficient();
        let sufficient: Vec<_> = sufficient.split(' ').collect();
        prop_assert!(parsed.are_met_by(|scope| sufficient.contains(&scope)));
    }

    #[test]
    fn no_text_is_a_panic(text in "[a-c&|()\" \\\\é]{0,40}") {
        if let Ok(parsed) = text.parse::<RequiredScopes>() {
            prop_assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }
}
