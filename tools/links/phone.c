/* SPDX-License-Identifier: Apache-2.0 */
/* One link and its socket on the loop. */
#include <string.h>

#include "base/assert.h"
#include "link/link_os.h"
#include "os/clock.h"
#include "os/random.h"
#include "tools/links/links.h"

void phone_pump(struct phone *phone)
{
	uint64_t now_ns = os_clock_now_ns();
	struct link_packet packet;
	uint64_t at_ns;

	if (phone->client == NULL)
		return;
	for (;;) {
		struct os_datagram datagram = {.local = {.len = 0}};
		size_t sent;

		link_client_send(phone->client, now_ns, &packet);
		if (packet.len == 0)
			break;
		datagram.payload = BYTES(packet.data, packet.len);
		link_address_to_os(&packet.path.remote, &datagram.remote);
		if (os_udp_send(phone->udp, &datagram, 1, &sent) != SOTTO_OK)
			break; /* lost, as networks lose */
	}
	at_ns = link_client_deadline(phone->client);
	os_loop_set_timer(phone->scene->loop, &phone->deadline,
			  at_ns == LINK_NEVER ? OS_NEVER : at_ns);
}

static void udp_received(void *context, struct os_udp *udp, const struct os_datagram *datagrams,
			 size_t count, uint64_t now_ns)
{
	struct phone *phone = context;
	struct link_path path = {.remote = phone->scene->relay};

	(void)udp;
	for (size_t i = 0; i < count && phone->client != NULL; i++)
		link_client_receive(phone->client, &path, datagrams[i].payload, now_ns,
				    os_clock_utc_ms());
	phone_pump(phone);
}

static void deadline_expired(struct os_timer *timer, uint64_t now_ns)
{
	struct phone *phone = CONTAINER_OF(timer, struct phone, deadline);

	link_client_handle_deadline(phone->client, now_ns, os_clock_utc_ms());
	phone_pump(phone);
}

static void beat_expired(struct os_timer *timer, uint64_t now_ns)
{
	struct phone *phone = CONTAINER_OF(timer, struct phone, beat);

	phone->beat_at_ns += BEAT_NS;
	os_loop_set_timer(phone->scene->loop, timer, phone->beat_at_ns);
	work_beat(phone, now_ns);
	phone_pump(phone);
}

static void again_expired(struct os_timer *timer, uint64_t now_ns)
{
	struct phone *phone = CONTAINER_OF(timer, struct phone, again);

	(void)now_ns;
	if (phone->up)
		work_begin(phone);
	phone_pump(phone);
}

static struct asked *find_asked(struct phone *phone, uint64_t request)
{
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		if (phone->asked[i].request == request)
			return &phone->asked[i];
	}
	return NULL;
}

static void forget(struct asked *asked)
{
	wire_splitter_finish(&asked->splitter);
	asked->request = 0;
}

enum sotto_err phone_ask(struct phone *phone, const struct wire_type *type, const void *message,
			 void (*answered)(struct phone *phone, struct asked *asked,
					  struct bytes message))
{
	struct asked *asked = find_asked(phone, 0);
	struct writer writer;
	enum sotto_err err;

	if (asked == NULL)
		return SOTTO_ERR_AGAIN;
	writer_init_growing(&writer, &allocator_default);
	err = wire_encode(type, message, &writer);
	if (err == SOTTO_OK)
		err = link_client_request(phone->client, writer_bytes(&writer), &asked->request);
	writer_release(&writer);
	if (err != SOTTO_OK)
		return err;
	wire_splitter_init(&asked->splitter, &allocator_default);
	asked->answered = answered;
	return SOTTO_OK;
}

static void on_reply(void *context, uint64_t request, struct bytes bytes, bool fin)
{
	struct phone *phone = context;
	struct asked *asked = find_asked(phone, request);
	struct bytes piece = bytes;
	struct bytes message;

	while (asked != NULL && wire_splitter_next(&asked->splitter, &piece, &message) == SOTTO_OK)
		asked->answered(phone, asked, message);
	if (fin && asked != NULL)
		forget(asked);
	link_client_consume(phone->client, request, bytes.len);
}

/* Asked again when the link is up again, or a moment later. */
static void on_end(void *context, uint64_t request, enum link_stream_end why)
{
	struct phone *phone = context;
	struct asked *asked = find_asked(phone, request);

	(void)why;
	if (asked == NULL)
		return;
	work_ended(phone, asked);
	forget(asked);
	os_loop_set_timer(phone->scene->loop, &phone->again,
			  os_clock_now_ns() + 100 * OS_CLOCK_MS_NS);
}

static void on_status(void *context, const struct link_client_status *status)
{
	struct phone *phone = context;
	bool up = status->state == LINK_CLIENT_UP;

	if (up == phone->up)
		return;
	phone->up = up;
	work_stop(phone);
	/* Not from inside the callback: requests are allowed there, but a link that flaps is left alone
	 * for a moment. */
	if (up)
		os_loop_set_timer(phone->scene->loop, &phone->again, os_clock_now_ns());
}

static void on_datagram(void *context, struct bytes bytes)
{
	work_heard(context, bytes);
}

enum sotto_err phone_start(struct scene *scene, uint32_t index, bool founding)
{
	struct phone *phone = &scene->phones[index];
	struct os_udp_handler handler = {.received = udp_received, .context = phone};
	struct link_client_config config = {
		.addresses = {scene->relay},
		.address_count = 1,
		.key_count = 1,
		.random = &os_random,
		.events = {on_status, on_reply, on_end, on_datagram, NULL, phone},
	};
	struct os_address any;
	enum sotto_err err;

	phone->scene = scene;
	phone->index = index;
	phone->next_sequence = 1;
	os_timer_init(&phone->deadline, deadline_expired);
	os_timer_init(&phone->beat, beat_expired);
	os_timer_init(&phone->again, again_expired);
	memcpy(config.relay_key, scene->name.key, sizeof(config.relay_key));
	config.keys[0].kind = founding ? LINK_KEY_CLAIM : LINK_KEY_ACCESS;
	config.keys[0].number = founding ? 0 : 1;
	memcpy(config.keys[0].secret, founding ? scene->name.claim : scene->access_key,
	       WIRE_KEY_LEN);
	if (!founding)
		memcpy(config.network_id, scene->network, sizeof(config.network_id));
	TRY(os_address_parse(link_address_is_v4(&scene->relay) ? "0.0.0.0:0" : "[::]:0", &any));
	TRY(os_udp_bind(scene->loop, &any, &handler, &phone->udp));
	TRY(link_client_create(&config, &phone->client));
	TRY(link_client_start(phone->client, os_clock_now_ns(), os_clock_utc_ms()));
	if (!founding) {
		link_client_set_voice(phone->client, link_small_len(DATAGRAM_LEN));
		phone->beat_at_ns = os_clock_now_ns() + BEAT_NS;
		os_loop_set_timer(scene->loop, &phone->beat, phone->beat_at_ns);
	}
	phone_pump(phone);
out:
	return err;
}

void phone_stop(struct phone *phone)
{
	struct os_loop *loop = phone->scene->loop;

	if (phone->client != NULL) {
		link_client_stop(phone->client, os_clock_now_ns());
		phone_pump(phone);
	}
	os_loop_set_timer(loop, &phone->deadline, OS_NEVER);
	os_loop_set_timer(loop, &phone->beat, OS_NEVER);
	os_loop_set_timer(loop, &phone->again, OS_NEVER);
	link_client_destroy(phone->client);
	phone->client = NULL;
	os_udp_destroy(phone->udp);
	phone->udp = NULL;
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		if (phone->asked[i].request != 0)
			forget(&phone->asked[i]);
	}
}
