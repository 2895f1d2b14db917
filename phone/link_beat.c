/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beat of a call: one datagram each 20 ms by the clock, from the first ring until a random while after
 * hanging up. If the voice process has a frame for this beat, it goes; if not, random bytes of the same
 * length go in its place, and the other phone drops them as it drops any frame that does not open. So the
 * wire shows neither the answer, nor who speaks, nor the end.
 */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/random.h"
#include "phone/link_process.h"

/* Late by more than this many beats, the missed ones are left out: a burst would say that we slept. */
#define LATE_BEATS_MAX 3

static void send_datagram(struct link_process *process, const uint8_t *data, size_t len)
{
	struct link_packet packet;
	enum sotto_err err;

	err = link_client_datagram(process->client, BYTES(data, len), os_clock_now_ns(), &packet);
	/* Not up, or no room in the congestion window: this beat is lost, the next one comes. */
	(void)err;
	if (packet.len > 0)
		link_sockets_send(process, &packet);
}

static void send_random(struct link_process *process)
{
	uint8_t data[WIRE_DATAGRAM_HEADER_LEN + WIRE_DATAGRAM_PAYLOAD_MAX];
	size_t len = (size_t)WIRE_DATAGRAM_HEADER_LEN + process->beat.payload_len;

	memset(data, 0, WIRE_DATAGRAM_HEADER_LEN);
	data[0] = process->beat.room;
	if (random_fill(&os_random, data + WIRE_DATAGRAM_HEADER_LEN, process->beat.payload_len) ==
	    SOTTO_OK)
		send_datagram(process, data, len);
}

static void drop_oldest(struct link_beat *beat)
{
	beat->waiting_count--;
	memmove(&beat->waiting[0], &beat->waiting[1],
		beat->waiting_count * sizeof(beat->waiting[0]));
}

static void send_waiting(struct link_process *process)
{
	struct link_beat *beat = &process->beat;

	beat->behind = beat->waiting_count > 1 ? beat->behind + 1 : 0;
	if (beat->behind > LINK_PROCESS_BEHIND_MAX) {
		drop_oldest(beat);
		beat->behind = 0;
	}
	send_datagram(process, beat->waiting[0].data, beat->waiting[0].len);
	drop_oldest(beat);
}

static void beat_due(struct os_timer *timer, uint64_t now_ns)
{
	struct link_process *process = CONTAINER_OF(timer, struct link_process, beat.timer);
	struct link_beat *beat = &process->beat;

	if (process->client != NULL && beat->waiting_count > 0)
		send_waiting(process);
	else if (process->client != NULL)
		send_random(process);
	beat->next_ns += LINK_PROCESS_BEAT_NS;
	if (beat->next_ns + LATE_BEATS_MAX * LINK_PROCESS_BEAT_NS < now_ns)
		beat->next_ns +=
			(now_ns - beat->next_ns) / LINK_PROCESS_BEAT_NS * LINK_PROCESS_BEAT_NS;
	os_loop_set_timer(process->loop, timer, beat->next_ns);
	link_process_pump(process);
}

void link_beat_init(struct link_process *process)
{
	os_timer_init(&process->beat.timer, beat_due);
}

static void voice_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		       size_t descriptors_count)
{
	struct link_process *process = context;
	struct link_beat *beat = &process->beat;
	struct wire_datagram datagram;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (!beat->on || wire_datagram_decode(message, &datagram) != SOTTO_OK ||
	    datagram.payload.len != beat->payload_len)
		return;
	if (beat->waiting_count == LINK_PROCESS_MEDIA_MAX)
		drop_oldest(beat);
	memcpy(beat->waiting[beat->waiting_count].data, message.data, message.len);
	beat->waiting[beat->waiting_count].len = message.len;
	beat->waiting_count++;
}

static void voice_gone(void *context, struct os_ipc *ipc)
{
	(void)ipc;
	link_beat_detach(context);
}

void link_beat_attach(struct link_process *process, int media_fd)
{
	struct os_ipc_handler handler = {
		.received = voice_said, .gone = voice_gone, .context = process};

	link_beat_detach(process);
	if (os_ipc_create(process->loop, media_fd, &handler, &process->media) != SOTTO_OK) {
		process->media = NULL;
		os_descriptor_close(media_fd);
	}
}

void link_beat_detach(struct link_process *process)
{
	os_ipc_destroy(process->media);
	process->media = NULL;
	bytes_wipe(process->beat.waiting, sizeof(process->beat.waiting));
	process->beat.waiting_count = 0;
}

void link_beat_deliver(struct link_process *process, struct bytes datagram)
{
	/* A voice process that does not keep up loses frames; nothing may wait for it. */
	if (process->media != NULL && os_ipc_queued(process->media) == 0)
		(void)!os_ipc_send(process->media, datagram, NULL, 0);
}

void link_beat_start(struct link_process *process, const struct wire_beat_start *start)
{
	struct link_beat *beat = &process->beat;
	uint64_t now_ns = os_clock_now_ns();

	if (start->payload_len == 0 || start->payload_len > WIRE_DATAGRAM_PAYLOAD_MAX)
		return;
	/* One size: what was made for another one is dropped. */
	if (start->payload_len != beat->payload_len)
		beat->waiting_count = 0;
	beat->room = start->room;
	beat->payload_len = start->payload_len;
	if (process->client != NULL)
		link_client_set_voice(
			process->client,
			link_small_len((size_t)WIRE_DATAGRAM_HEADER_LEN + start->payload_len));
	if (beat->on)
		return;
	beat->on = true;
	beat->next_ns = start->phase_ns;
	if (beat->next_ns < now_ns)
		beat->next_ns += ((now_ns - beat->next_ns) / LINK_PROCESS_BEAT_NS + 1) *
				 LINK_PROCESS_BEAT_NS;
	os_loop_set_timer(process->loop, &beat->timer, beat->next_ns);
}

void link_beat_stop(struct link_process *process)
{
	process->beat.on = false;
	process->beat.waiting_count = 0;
	process->beat.behind = 0;
	os_loop_set_timer(process->loop, &process->beat.timer, OS_NEVER);
	if (process->client != NULL)
		link_client_set_voice(process->client, 0);
}
