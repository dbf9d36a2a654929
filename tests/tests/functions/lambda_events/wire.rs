//! Events that are not as the documentation shows them.

use super::*;

/// Some gateways, and who makes events by hand, fill only the members with single values.
#[tokio::test]
async fn format_1_0_falls_back_to_single_values() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let basic = format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", client.id, client.secret()))
    );
    let only_accept = json!({ "Accept": ["*/*"] });
    let no_values = json!({ "content-type": [], "AUTHORIZATION": [] });
    for several in [json!({}), Value::Null, only_accept, no_values] {
        let mut rest = event(REST_TOKEN);
        rest["body"] = json!("grant_type=client_credentials");
        rest["headers"]["Authorization"] = json!(basic);
        rest["multiValueHeaders"] = several.clone();
        let answer = ask(&issuer, &[&endpoint::TOKEN], &rest).await;
        assert_eq!(answer.status(), 200, "{several}: {}", answer.json);
        // A header that has several values is not there once more.
        rest["multiValueHeaders"] = json!({ "authorization": [basic] });
        let answer = ask(&issuer, &[&endpoint::TOKEN], &rest).await;
        assert_eq!(answer.status(), 200, "{}", answer.json);
    }
    let body = form(&client, &[("grant_type", "client_credentials")]);
    for several in [json!({}), Value::Null, json!({ "lang": ["de"] })] {
        let mut rest = event(REST_TOKEN);
        rest["body"] = json!(body);
        rest["queryStringParameters"] = json!({ "client_secret": "x" });
        rest["multiValueQueryStringParameters"] = several.clone();
        let answer = ask(&issuer, &[&endpoint::TOKEN], &rest).await;
        assert_eq!(answer.status(), 400, "{several}");
        assert_eq!(answer.body()["error"], "invalid_request");
    }
}

/// RFC 6749 §2.3: two methods are a bad request and no failed authentication, as where the headers
/// arrive apart.
#[tokio::test]
async fn format_2_0_joins_two_authorization_headers_and_they_are_refused_with_400() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let credentials = STANDARD.encode(format!("{}:{}", client.id, client.secret()));
    let basic = format!("Basic {credentials}");
    let ask_with = async |authorization: &str| {
        let mut http = event(HTTP_TOKEN);
        http["body"] = json!("grant_type=client_credentials");
        http["isBase64Encoded"] = json!(false);
        http["headers"]["authorization"] = json!(authorization);
        ask(&issuer, &[&endpoint::TOKEN], &http).await
    };
    for joined in [
        format!("{basic},{basic}"),
        format!("{basic}, {basic}"),
        format!("{basic},Bearer x"),
        format!("Bearer x,{basic}"),
        format!("{basic},"),
        format!("Digest a=\"b\",{basic}"),
    ] {
        let answer = ask_with(&joined).await;
        assert_eq!(answer.status(), 400, "{joined}");
        assert_eq!(answer.body()["error"], "invalid_request", "{joined}");
    }
    // One header with parameters is one, of an unknown scheme.
    for one in ["Digest a=\"b\", c=\"d\"", "Digest a=b, c = d", "Basic ?"] {
        assert_eq!(ask_with(one).await.status(), 401, "{one}");
    }
    assert_eq!(ask_with(&basic).await.status(), 200);
}
