//! Requests about the whole service.

use super::*;

/// Method, path, the claim that has to have `*`, and the status of an answer without backends and without a stack.
const WHOLE: [(&str, &str, &str, u16); 4] = [
    ("GET", "/api/stack", "channels", 404),
    ("GET", "/api/figures", "channels", 200),
    ("GET", "/api/cache-test", "channels", 503),
    ("DELETE", "/api/notifications", "publish", 503),
];

fn permitted(channels: &Value, publish: &Value) -> String {
    let mut claims = claims();
    (claims["channels"], claims["publish"]) = (channels.clone(), publish.clone());
    bearer(&signed(&claims))
}

#[tokio::test]
async fn what_concerns_the_whole_service_is_for_tokens_that_permit_everything() {
    let (address, ..) = asking().await;
    let (every, some) = (json!(["user:*", "*"]), json!(["orders", "*.eu", "user:*"]));
    for (method, path, claim, status) in WHOLE {
        let (enough, too_little) = match claim {
            "channels" => (permitted(&every, &json!([])), permitted(&some, &every)),
            _ => (permitted(&json!([]), &every), permitted(&every, &some)),
        };
        assert_eq!(ask(address, method, path, &enough, "").await.status, status, "{method} {path}");
        let answer = ask(address, method, path, &too_little, "").await;
        answer.assert_refused(Refusal::Service(claim), path);
        let lacks =
            format!("the token does not permit requests about the whole service: its claim {claim} lacks \"*\"");
        assert_eq!(answer.json()["detail"], lacks, "{method} {path}");
    }
    let headers = format!("{}Content-Type: application/json\r\n", permitted(&json!([]), &json!(["orders"])));
    let post = ask(address, "POST", "/api/notifications", &headers, "{\"message\":\"m\",\"channel\":\"orders\"}").await;
    assert_eq!(post.status, 503, "who may publish there need not be allowed everything");
}

#[tokio::test]
async fn what_concerns_the_whole_service_is_for_all_where_nobody_is_asked() {
    let (state, _publisher) = found(7);
    let address = served(&state).await;
    for (method, path, _, status) in WHOLE {
        assert_eq!(ask(address, method, path, "", "").await.status, status, "{method} {path}");
    }
}
