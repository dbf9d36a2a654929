//! The names of claims and parameters that mean something to everybody.
//!
//! They are those of the registries "JSON Web Token Claims", "OAuth Parameters" and "OAuth Token Introspection Response"
//! of IANA, those that OpenID Connect and tokensmith itself use, and those that API Gateway has beside the claims in the context
//! of its authorizer. A static claim with such a name could
//! pass for what another party has verified, or for a claim that a later release makes.

/// Whether a name is known.
pub(super) fn is_registered(name: &str) -> bool {
    REGISTERED
        .split_ascii_whitespace()
        .any(|known| known == name)
}

const REGISTERED: &str = "\
    principalId integrationLatency \
    ... _claim_names _claim_sources _sd _sd_alg access_token ace_client_recipientid ace_profile \
    ace_server_recipientid acr acr_values act active actor_token actor_token_type address also_known_as amr \
    analyticsIdList assertion at_hash at_use_nbr atc ath attest aud audience auth_req_id auth_time authority_hints \
    authorization_details azp binding_message birth_family_name birth_given_name birth_middle_name birthdate \
    bootcount bootseed c_hash cdnicrit cdniets cdniip cdnistd cdnistt cdniuc cdniv claim_token claims \
    claims_locales client_assertion client_assertion_type client_id client_metadata client_metadata_uri \
    client_notification_token client_secret cnf cnonce code code_challenge code_challenge_method code_verifier \
    constraints consumerPlmnId consumerSnpnId crit crn dbgstat dcql_query dest device_code display div dloas \
    dpop_jkt ds_hash eat_nonce eat_profile email email_verified entitlements error error_description error_uri \
    events exi exp expires_in ext family_name gender given_name grant_id grant_type groups htm htu hwmodel \
    hwversion iat id_token id_token_hint interval intuse iss issued_token_type jcard jti jwks kdcchallenge key_id keys \
    locale location login_hint login_hint_token logo_uri logout_hint logout_token manifests max_age may_act \
    measres measurements metadata metadata_policy metadata_policy_crit middle_name mky msgi msisdn name \
    nationalities nbf nfv_token nickname nonce nonce1 nonce2 oemboot oemid opt orig origid parents password pct \
    phone_number phone_number_verified picture place_of_birth post_logout_redirect_uri preferred_username \
    presentation_definition presentation_definition_uri presentation_submission principal producerNsSetId producerNsiList \
    producerNssai producerPlmnId producerSnpnId profile prompt rcd rcdi redirect_uri refresh_token registration \
    req_cnf request request_uri requested_expiry requested_token_type resOwnerId resOwnerIdSuci resource \
    response_mode response_type roles rph rpt rs_cnf rt_hash s_hash salutation scope sd_hash session_state sid \
    sig_val_claims sign_info sip_callid sip_cseq_num sip_date sip_from_tag sip_via_branch sourceNfInstanceId \
    source_endpoint sph state status status_list sub sub_id sub_jwk subject_token subject_token_type submods \
    sueids swname swversion ticket title toe token_introspection token_type transaction_data trust_anchor \
    trust_chain trust_framework trust_mark_issuers trust_mark_owners trust_marks ttl txn ueid ui_locales \
    updated_at upgraded uptime user_code userinfo username vc vct verification_uri verification_uri_complete \
    verified_claims vot vp vp_token vtm vtr website zoneinfo";
