/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.3 with an external PSK and X25519 (RFC 8446 2.2, psk_dhe_ke): no certificate, no ticket, no
 * early data. ALPN names the version of sotto's link. The session holds the PSK of one access key only:
 * which one it is, the token has said before TLS starts.
 */
#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <string.h>

#include "link/quic_internal.h"

#define ALPN	       "sotto/1"
#define EXPORTER_LABEL "EXPORTER-sotto-relay"

/*
 * -KX-ALL:+ECDHE-PSK is psk_dhe_ke alone (+PSK would let psk_ke without Diffie-Hellman in). SHA-256
 * suites only: GnuTLS 3.7 binds external PSKs to SHA-256.
 */
#define PRIORITY \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-KX-ALL:+ECDHE-PSK:-GROUP-ALL:+GROUP-X25519:-CIPHER-ALL:" \
	"+CHACHA20-POLY1305:%DISABLE_TLS13_COMPAT_MODE"

struct quic_tls {
	const struct allocator *allocator;
	gnutls_priority_t priority;
	gnutls_psk_server_credentials_t credentials;
};

static struct quic *quic_of(gnutls_session_t session)
{
	ngtcp2_crypto_conn_ref *ref = gnutls_session_get_ptr(session);

	return ref->user_data;
}

static int find_psk(gnutls_session_t session, const gnutls_datum_t *id, gnutls_datum_t *key)
{
	const struct link_secrets *secrets = &quic_of(session)->secrets;

	if (!bytes_equal(BYTES(id->data, id->size), BYTES_OF(secrets->psk_id)))
		return -1;
	key->data = gnutls_malloc(sizeof(secrets->psk));
	if (!key->data)
		return -1;
	memcpy(key->data, secrets->psk, sizeof(secrets->psk));
	key->size = sizeof(secrets->psk);
	return 0;
}

enum sotto_err quic_tls_create(const struct allocator *allocator, struct quic_tls **tls)
{
	struct quic_tls *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	if (!made)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	if (gnutls_priority_init2(&made->priority, PRIORITY, NULL, 0) != 0 ||
	    gnutls_psk_allocate_server_credentials(&made->credentials) != 0) {
		quic_tls_destroy(made);
		return SOTTO_ERR_NO_MEMORY;
	}
	gnutls_psk_set_server_credentials_function2(made->credentials, find_psk);
	*tls = made;
	return SOTTO_OK;
}

void quic_tls_destroy(struct quic_tls *tls)
{
	if (!tls)
		return;
	if (tls->credentials)
		gnutls_psk_free_server_credentials(tls->credentials);
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	allocator_give(tls->allocator, tls, sizeof(*tls));
}

static int set_client_psk(struct quic *quic)
{
	gnutls_datum_t id = {.data = quic->secrets.psk_id, .size = sizeof(quic->secrets.psk_id)};
	gnutls_datum_t key = {.data = quic->secrets.psk, .size = sizeof(quic->secrets.psk)};

	if (gnutls_psk_allocate_client_credentials(&quic->credentials) != 0 ||
	    gnutls_psk_set_client_credentials2(quic->credentials, &id, &key, GNUTLS_PSK_KEY_RAW) !=
		    0)
		return -1;
	return gnutls_credentials_set(quic->session, GNUTLS_CRD_PSK, quic->credentials);
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct quic *)ref->user_data)->conn;
}

enum sotto_err quic_tls_open(struct quic *quic)
{
	static unsigned char alpn_name[] = ALPN;
	const gnutls_datum_t alpn = {.data = alpn_name, .size = sizeof(ALPN) - 1};
	unsigned role = quic->is_server ? GNUTLS_SERVER : GNUTLS_CLIENT;
	int rv;

	if (gnutls_init(&quic->session, role | GNUTLS_NO_TICKETS) != 0) {
		quic->session = NULL;
		return SOTTO_ERR_NO_MEMORY;
	}
	if (quic->is_server)
		rv = ngtcp2_crypto_gnutls_configure_server_session(quic->session);
	else
		rv = ngtcp2_crypto_gnutls_configure_client_session(quic->session);
	if (rv != 0 || gnutls_priority_set(quic->session, quic->tls->priority) != 0 ||
	    gnutls_alpn_set_protocols(quic->session, &alpn, 1, GNUTLS_ALPN_MANDATORY) != 0)
		return SOTTO_ERR_NO_MEMORY;
	if (quic->is_server)
		rv = gnutls_credentials_set(quic->session, GNUTLS_CRD_PSK, quic->tls->credentials);
	else
		rv = set_client_psk(quic);
	if (rv != 0)
		return SOTTO_ERR_NO_MEMORY;
	quic->ref = (ngtcp2_crypto_conn_ref){.get_conn = conn_of, .user_data = quic};
	gnutls_session_set_ptr(quic->session, &quic->ref);
	ngtcp2_conn_set_tls_native_handle(quic->conn, quic->session);
	return SOTTO_OK;
}

void quic_tls_close(struct quic *quic)
{
	if (quic->session)
		gnutls_deinit(quic->session);
	if (quic->credentials)
		gnutls_psk_free_client_credentials(quic->credentials);
}

/* MANDATORY refuses another protocol; this refuses a hello that names none. */
bool quic_tls_alpn_agreed(const struct quic *quic)
{
	gnutls_datum_t agreed;

	return gnutls_alpn_get_selected_protocol(quic->session, &agreed) == 0 &&
	       bytes_equal(BYTES(agreed.data, agreed.size), BYTES_TEXT(ALPN));
}

enum sotto_err quic_exporter(const struct quic *quic, uint8_t *exporter)
{
	char out[LINK_EXPORTER_LEN];

	if (!quic->handshaken || gnutls_prf_rfc5705(quic->session, sizeof(EXPORTER_LABEL) - 1,
						    EXPORTER_LABEL, 0, NULL, sizeof(out), out) != 0)
		return SOTTO_ERR_STATE;
	memcpy(exporter, out, sizeof(out));
	bytes_wipe(out, sizeof(out));
	return SOTTO_OK;
}
