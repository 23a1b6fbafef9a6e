use super::*;

#[tokio::test]
async fn figures_without_redis_are_those_of_this_instance() {
    let response = send(get("/api/figures")).await;
    assert_eq!((response.status().as_u16(), &response.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    let body = json(response).await;
    assert_eq!((&body["complete"], body["instances"].as_array().unwrap().len()), (&false.into(), 1));
    let own = &body["instances"][0];
    assert_eq!((&own["component"], &own["published"], &own["closed"]["gone"]), (&"api".into(), &0.into(), &0.into()));
    assert!(own["uptimeSeconds"].is_u64() && own["instance"].is_string(), "{own}");
}

#[tokio::test]
async fn outside_of_a_stack_there_is_no_status() {
    let response = send(get("/api/stack")).await;
    assert_eq!(response.status().as_u16(), 404);
    let body = json(response).await;
    assert!(body["detail"].as_str().unwrap().contains("Kubernetes"), "{body}");
}
