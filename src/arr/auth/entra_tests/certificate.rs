//! A certificate in the place of a secret.

use super::{GRANTED, Studio, write};
use crate::policy::EntraCredential;
use crate::report::line;
use crate::service::RegionService;

#[tokio::test]
async fn a_certificate_signs_a_statement_that_its_public_key_confirms() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let certificate = rcgen::CertificateParams::new(Vec::new())
        .expect("parameters")
        .self_signed(&key);
    let certificate = certificate.expect("a certificate");
    let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
    let studio = Studio::open(vec![(200, GRANTED)], |folder| {
        EntraCredential::ClientCertificate {
            tenant_id: "a-tenant".into(),
            client_id: "an-app".into(),
            certificate: write(folder.join("client.pem"), &pem),
        }
    })
    .await;
    studio.client.list().await.expect("let in");
    let form = &studio.asked_of_the_authority()[0].1;
    let public = jsonwebtoken::DecodingKey::from_rsa_der(key.public_key_raw());
    let mut checks = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::PS256);
    checks.validate_aud = false;
    let statement =
        jsonwebtoken::decode::<serde_json::Value>(&form["client_assertion"], &public, &checks);
    let statement = statement.expect("signed by that key, and not expired");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
    let thumbprint =
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest);
    assert_eq!(statement.header.x5t_s256, Some(thumbprint));
    assert_eq!(
        (&statement.claims["iss"], &statement.claims["sub"]),
        (&"an-app".into(), &"an-app".into())
    );
    let audience = statement.claims["aud"].as_str().expect("an audience");
    assert!(
        audience.starts_with("https://localhost:")
            && audience.ends_with("/a-tenant/oauth2/v2.0/token")
    );
}

#[tokio::test]
async fn a_certificate_file_that_cannot_be_used_says_how_to_make_one() {
    let ec = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    for (text, told) in [
        (
            "a PKCS#12 file, for all we know".to_owned(),
            "openssl pkcs12",
        ),
        (certificate.to_owned(), "no private key"),
        (format!("{certificate}{ec}"), "not an RSA key"),
    ] {
        let studio = Studio::open(vec![(200, GRANTED)], |folder| {
            EntraCredential::ClientCertificate {
                tenant_id: "a-tenant".into(),
                client_id: "an-app".into(),
                certificate: write(folder.join("client.pem"), &text),
            }
        })
        .await;
        let error = line(&studio.refused().await);
        assert!(
            error.contains(told) && error.contains("client.pem"),
            "{error}"
        );
        assert_eq!(studio.asked_of_the_authority().len(), 0);
    }
}
