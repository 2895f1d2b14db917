/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialling: attempts until one is answered.
 *
 * Silence is the only refusal a relay has, so keys and addresses are tried over one another:
 *
 *   key 1: address 1, 250 ms, address 2, ...   1.5 s   key 2: address 1, ...   pause, from the start
 *
 * The first that shakes hands wins. Each attempt has a token with the time of its start: a relay that was
 * restarted meanwhile refuses the older ones, so the next, a second later, is what gets in. The pause
 * doubles from 1 s to 15 s, with up to a quarter of jitter, so that a relay's phones do not come
 * back all at once. What was lost is dialled at once.
 */
#include "link/client_internal.h"

#define ADDRESS_MS   UINT64_C(250) /* RFC 8305 5: connection attempt delay */
#define KEY_MS	     UINT64_C(1500)
#define PAUSE_MIN_MS UINT64_C(1000)
#define PAUSE_MAX_MS UINT64_C(15000)
#define QUICK_MS     UINT64_C(8000)

void client_dial_start(struct link_client *client, uint64_t now_ns)
{
	client->candidate = 0;
	client->dial_ns = now_ns;
	client->pause_ms = PAUSE_MIN_MS;
	client->round_ns = now_ns;
	client->unreachable = 0;
}

void client_attempt_drop(struct client_attempt *attempt)
{
	quic_destroy(attempt->quic);
	attempt->quic = NULL;
	attempt->handshaken = false;
}

void client_attempts_drop(struct link_client *client)
{
	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++)
		client_attempt_drop(&client->attempts[i]);
	client->up = NULL;
}

/* A free place, or that of the oldest attempt. */
static struct client_attempt *place(struct link_client *client)
{
	struct client_attempt *oldest = &client->attempts[0];

	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++) {
		struct client_attempt *attempt = &client->attempts[i];

		if (!attempt->quic)
			return attempt;
		if (attempt->started_ns < oldest->started_ns)
			oldest = attempt;
	}
	client_attempt_drop(oldest);
	return oldest;
}

static uint64_t jitter(struct link_client *client, uint64_t ms)
{
	uint32_t random = 0;

	/* Without it phones come back together, which is no reason not to come back. */
	(void)!random_fill(client->config.random, &random, sizeof(random));
	return ms + ms * (random & 0xff) / 1024;
}

void client_dial_pause(struct link_client *client, uint64_t now_ns, bool longer)
{
	client->dial_ns = now_ns + jitter(client, client->pause_ms) * MS;
	if (longer && client->pause_ms < PAUSE_MAX_MS)
		client->pause_ms *= 2;
	if (client->pause_ms > PAUSE_MAX_MS)
		client->pause_ms = PAUSE_MAX_MS;
}

static void schedule_next(struct link_client *client, uint64_t now_ns)
{
	size_t addresses = client->config.address_count;

	client->candidate++;
	if (client->candidate % addresses != 0) {
		client->dial_ns = now_ns + ADDRESS_MS * MS;
		return;
	}
	if (client->candidate < addresses * client->config.key_count) {
		client->dial_ns = now_ns + KEY_MS * MS;
		return;
	}
	client->candidate = 0;
	/* The first rounds are quick: a relay that is being restarted is back within seconds. */
	client_dial_pause(client, now_ns, now_ns - client->round_ns > QUICK_MS * MS);
}

static void dial(struct link_client *client, uint64_t now_ns, uint64_t utc_ms)
{
	size_t addresses = client->config.address_count;
	struct client_attempt *attempt = place(client);
	struct quic_config config = {
		.allocator = client->allocator,
		.random = client->config.random,
		.tls = client->tls,
		.padding = &client->padding,
		.secrets = &client->secrets[client->candidate / addresses],
		.events = &client_quic_events,
		.context = attempt,
		.path = {.socket = client->socket,
			 .remote = client->config.addresses[client->candidate % addresses]},
		.now_ns = now_ns,
		.streams_bidi = 0,
		.streams_uni = 1,
		.window_stream = LINK_CLIENT_WINDOW,
		.window_all = LINK_CLIENT_WINDOW_ALL,
	};
	enum sotto_err err;

	attempt->client = client;
	attempt->started_ns = now_ns;
	err = quic_create_client(&config, utc_ms + (uint64_t)client->clock_offset_ms,
				 &attempt->quic);
	schedule_next(client, now_ns);
	if (err == SOTTO_ERR_RANDOM)
		client_report(client, LINK_CLIENT_CONNECTING, LINK_REASON_RANDOM);
	else if (err != SOTTO_OK)
		client_report(client, LINK_CLIENT_CONNECTING, LINK_REASON_NO_MEMORY);
}

/*
 * Has nobody answered for long enough to say so? What this machine lacks itself is said instead, and that somebody
 * answered who is not our relay: silence after that is no news.
 */
static uint64_t no_answer_ns(const struct link_client *client)
{
	switch (client->reason) {
	case LINK_REASON_NO_ANSWER:
	case LINK_REASON_NO_NETWORK:
	case LINK_REASON_WRONG_RELAY_KEY:
	case LINK_REASON_RANDOM:
	case LINK_REASON_NO_MEMORY:
		return LINK_NEVER;
	case LINK_REASON_NONE:
	case LINK_REASON_NO_PROOF:
	case LINK_REASON_LOST:
	case LINK_REASON_IDLE:
	case LINK_REASON_PEER_CLOSED:
	case LINK_REASON_CLOSED:
	case LINK_REASON_PROTOCOL:
		break;
	}
	return client->round_ns + LINK_HANDSHAKE_MS * MS;
}

void client_dial_step(struct link_client *client, uint64_t now_ns, uint64_t utc_ms)
{
	if (client->state == LINK_CLIENT_STOPPED || client->up)
		return;
	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++) {
		struct client_attempt *attempt = &client->attempts[i];

		if (attempt->quic && attempt->started_ns + LINK_HANDSHAKE_MS * MS <= now_ns) {
			client_attempt_drop(attempt);
			client->unreachable = 0;
		}
	}
	if (client->dial_ns <= now_ns)
		dial(client, now_ns, utc_ms);
	if (no_answer_ns(client) <= now_ns)
		client_report(client, LINK_CLIENT_CONNECTING, LINK_REASON_NO_ANSWER);
}

void client_dial_unreachable(struct link_client *client, const struct link_path *path)
{
	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++) {
		struct client_attempt *attempt = &client->attempts[i];
		struct link_path tried;

		if (!attempt->quic)
			continue;
		quic_path(attempt->quic, &tried);
		if (tried.socket != path->socket ||
		    !link_address_equal(&tried.remote, &path->remote))
			continue;
		client_attempt_drop(attempt);
		client->unreachable++;
	}
	if (client->unreachable >= client->config.address_count * client->config.key_count)
		client_report(client, LINK_CLIENT_CONNECTING, LINK_REASON_NO_NETWORK);
}

uint64_t client_dial_deadline(const struct link_client *client)
{
	uint64_t at_ns = client->dial_ns;
	uint64_t silent_ns = no_answer_ns(client);

	for (size_t i = 0; i < CLIENT_ATTEMPTS_MAX; i++) {
		const struct client_attempt *attempt = &client->attempts[i];
		uint64_t end_ns = attempt->started_ns + LINK_HANDSHAKE_MS * MS;

		if (!attempt->quic)
			continue;
		if (end_ns < at_ns)
			at_ns = end_ns;
		if (quic_deadline(attempt->quic) < at_ns)
			at_ns = quic_deadline(attempt->quic);
	}
	return silent_ns < at_ns ? silent_ns : at_ns;
}
