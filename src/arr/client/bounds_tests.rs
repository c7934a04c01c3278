//! What never ends, and what the client makes of it.

use crate::keeper::FailureKind;
use crate::report::detail;
use crate::service::RegionService;

use super::tests::{Server, id, ok};

#[tokio::test]
async fn an_answer_without_end_is_given_up_at_its_bound() {
    let server = Server::start(vec![ok(&" ".repeat(9 * 1024 * 1024))]).await;
    let client = server.client();
    let error = client.get(&id()).await.expect_err("too large");
    assert!(detail(&error).contains("larger than 8 MiB"), "{error}");
    assert_eq!(
        (error.kind, server.asked().len()),
        (FailureKind::Garbled, 1),
        "it would be as large again"
    );
}

#[tokio::test]
async fn a_list_without_end_is_given_up_at_its_bound() {
    let page = |n| {
        let link = format!(r#"{{"sessions":[],"@nextLink":"/accounts/acc/sessions?page={n}"}}"#);
        ok(&link)
    };
    let server = Server::start((0..2_000).map(page).collect()).await;
    let error = server.client().list().await.expect_err("too long");
    assert!(detail(&error).contains("more than 1000 pages"), "{error}");
    assert_eq!(server.asked().len(), 1_000);
}

#[tokio::test]
async fn a_list_whose_link_leads_back_is_given_up_at_once() {
    let page = |n| format!(r#"{{"sessions":[],"@nextLink":"/accounts/acc/sessions?page={n}"}}"#);
    let pages = [1, 2, 1, 2, 1].map(|n| ok(&page(n)));
    let server = Server::start(pages.into()).await;
    let error = server.client().list().await.expect_err("a circle");
    let told = detail(&error);
    assert!(
        told.ends_with("its @nextLink leads back to a page that was read"),
        "{told}"
    );
    assert_eq!((error.hint, server.asked().len()), (None, 3));
}
