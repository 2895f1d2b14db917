/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beat of the link process, under a clock of this test: one datagram of one size each 20 ms, whatever
 * the voice process does, and none before the first and after the last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/random.h"
#include "phone/link_process.h"

#define ROOM	     4
#define PAYLOAD_LEN  160
#define DATAGRAM_LEN (WIRE_DATAGRAM_HEADER_LEN + PAYLOAD_LEN)
#define START_NS     UINT64_C(1000000000)
#define SECOND_NS    UINT64_C(1000000000)
#define FRAME_MARK   0xf0 /* first byte of the payload of a frame of voice, in these tests */

struct world {
	struct link_process process;
	struct os_ipc_handler media; /* of the link process */
	uint64_t now_ns;
	size_t sent;
	size_t frames;	/* of those, from the voice process */
	uint8_t newest; /* number of the last frame */
	uint8_t last[DATAGRAM_LEN];
	size_t delivered;
	size_t queued;	  /* what waits for the voice process */
	size_t voice_len; /* as the engine was told */
	uint64_t random_counter;
};

static struct world world;

/* ---- What the beat is built on ---- */

uint64_t os_clock_now_ns(void)
{
	return world.now_ns;
}

void os_timer_init(struct os_timer *timer, void (*expired)(struct os_timer *timer, uint64_t now_ns))
{
	timer->expired = expired;
	timer->at_ns = OS_NEVER;
}

void os_loop_set_timer(struct os_loop *loop, struct os_timer *timer, uint64_t at_ns)
{
	(void)loop;
	timer->at_ns = at_ns;
}

static enum sotto_err world_random(void *context, uint8_t *out, size_t len)
{
	(void)context;
	world.random_counter++;
	memset(out, (int)(world.random_counter & 0x7f), len);
	return SOTTO_OK;
}

const struct random_source os_random = {.fill = world_random};

enum sotto_err os_ipc_create(struct os_loop *loop, int descriptor,
			     const struct os_ipc_handler *handler, struct os_ipc **ipc)
{
	(void)loop;
	(void)descriptor;
	world.media = *handler;
	*ipc = (struct os_ipc *)(void *)&world;
	return SOTTO_OK;
}

void os_ipc_destroy(struct os_ipc *ipc)
{
	(void)ipc;
}

enum sotto_err os_ipc_send(struct os_ipc *ipc, struct bytes message, const int *descriptors,
			   size_t descriptors_count)
{
	(void)ipc;
	(void)message;
	(void)descriptors;
	(void)descriptors_count;
	world.delivered++;
	return SOTTO_OK;
}

size_t os_ipc_queued(const struct os_ipc *ipc)
{
	(void)ipc;
	return world.queued;
}

void os_descriptor_close(int descriptor)
{
	(void)descriptor;
}

size_t link_small_len(size_t datagram_len)
{
	return datagram_len;
}

void link_client_set_voice(struct link_client *client, size_t small_len)
{
	(void)client;
	world.voice_len = small_len;
}

enum sotto_err link_client_datagram(struct link_client *client, struct bytes bytes, uint64_t now_ns,
				    struct link_packet *out)
{
	(void)client;
	(void)now_ns;
	assert_int_equal(bytes.len, DATAGRAM_LEN);
	assert_int_equal(bytes.data[0], ROOM);
	memcpy(world.last, bytes.data, bytes.len);
	world.sent++;
	if (bytes.data[WIRE_DATAGRAM_HEADER_LEN] == FRAME_MARK) {
		world.frames++;
		world.newest = bytes.data[WIRE_DATAGRAM_HEADER_LEN + 1];
	}
	out->len = 0;
	return SOTTO_OK;
}

void link_sockets_send(struct link_process *process, const struct link_packet *packet)
{
	(void)process;
	(void)packet;
}

void link_process_pump(struct link_process *process)
{
	(void)process;
}

/* ---- The world ---- */

static void begin(void)
{
	memset(&world, 0, sizeof(world));
	world.now_ns = START_NS + 1; /* so that the first slot is a whole one away */
	world.process.client = (struct link_client *)(void *)&world;
	link_beat_init(&world.process);
	link_beat_attach(&world.process, -1);
}

static void start_beat(void)
{
	struct wire_beat_start start = {
		.room = ROOM, .payload_len = PAYLOAD_LEN, .phase_ns = START_NS};

	link_beat_start(&world.process, &start);
}

static void stop_beat(void)
{
	link_beat_stop(&world.process);
}

/* Time passes; the timer comes late_ns after it is due. */
static void pass(uint64_t ns, uint64_t late_ns)
{
	uint64_t until_ns = world.now_ns + ns;
	struct os_timer *timer = &world.process.beat.timer;

	while (timer->at_ns != OS_NEVER && timer->at_ns + late_ns <= until_ns) {
		if (world.now_ns < timer->at_ns + late_ns)
			world.now_ns = timer->at_ns + late_ns;
		timer->expired(timer, world.now_ns);
	}
	world.now_ns = until_ns;
}

static void speak(uint8_t number, size_t payload_len)
{
	uint8_t data[WIRE_DATAGRAM_HEADER_LEN + WIRE_DATAGRAM_PAYLOAD_MAX + 8] = {ROOM, 0, 0,
										  FRAME_MARK};

	data[WIRE_DATAGRAM_HEADER_LEN + 1] = number;
	world.media.received(world.media.context, world.process.media,
			     BYTES(data, WIRE_DATAGRAM_HEADER_LEN + payload_len), NULL, 0);
}

static void one_each_slot(void **state)
{
	(void)state;
	begin();
	pass(SECOND_NS, 0);
	speak(1, PAYLOAD_LEN);
	assert_int_equal(world.sent, 0);
	start_beat();
	assert_int_equal(world.voice_len, DATAGRAM_LEN);
	pass(10 * SECOND_NS, 0);
	assert_int_equal(world.sent, 500);
	assert_int_equal(world.frames, 0);
	assert_int_equal(world.random_counter, 500);
	/* Started again, as when another room is joined: the same beat. */
	start_beat();
	start_beat();
	pass(SECOND_NS, 0);
	assert_int_equal(world.sent, 550);
	stop_beat();
	assert_int_equal(world.voice_len, 0);
	speak(2, PAYLOAD_LEN);
	pass(10 * SECOND_NS, 0);
	assert_int_equal(world.sent, 550);
}

static void frames_take_the_place_of_random(void **state)
{
	(void)state;
	begin();
	start_beat();
	pass(LINK_PROCESS_BEAT_NS / 2, 0);
	for (uint8_t i = 0; i < 100; i++) {
		speak(i, PAYLOAD_LEN);
		pass(LINK_PROCESS_BEAT_NS, 0);
		assert_int_equal(world.newest, i);
	}
	assert_int_equal(world.sent, 100);
	assert_int_equal(world.frames, 100);
	assert_int_equal(world.random_counter, 0);
	pass(SECOND_NS, 0);
	assert_int_equal(world.sent, 150);
	assert_int_equal(world.random_counter, 50);
}

static void wrong_lengths_are_dropped(void **state)
{
	static const size_t lengths[] = {0,
					 1,
					 PAYLOAD_LEN - 1,
					 PAYLOAD_LEN + 1,
					 WIRE_DATAGRAM_PAYLOAD_MAX,
					 WIRE_DATAGRAM_PAYLOAD_MAX + 1};

	(void)state;
	begin();
	start_beat();
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		speak(1, lengths[i]);
	world.media.received(world.media.context, world.process.media, BYTES_NONE, NULL, 0);
	pass(SECOND_NS, 0);
	assert_int_equal(world.sent, 50);
	assert_int_equal(world.frames, 0);
}

static void a_flood_changes_nothing(void **state)
{
	(void)state;
	begin();
	start_beat();
	for (size_t i = 0; i < 500; i++) {
		for (size_t k = 0; k < 40; k++)
			speak((uint8_t)k, PAYLOAD_LEN);
		pass(LINK_PROCESS_BEAT_NS, 0);
	}
	assert_int_equal(world.sent, 500);
	/* What waited is new, and gone with the beat. */
	assert_true(world.newest >= 38);
	stop_beat();
	start_beat();
	world.random_counter = 0;
	pass(LINK_PROCESS_BEAT_NS, 0);
	assert_int_equal(world.random_counter, 1);
}

static void late_beats_are_left_out(void **state)
{
	uint64_t slept_ns = 10 * SECOND_NS;
	struct os_timer *timer = &world.process.beat.timer;

	(void)state;
	begin();
	start_beat();
	pass(SECOND_NS, LINK_PROCESS_BEAT_NS / 2);
	assert_true(world.sent >= 49 && world.sent <= 50);
	world.sent = 0;
	/* Asleep: no burst afterwards, and on the same beat. */
	world.now_ns += slept_ns;
	pass(0, 0);
	assert_true(world.sent <= 2);
	pass(SECOND_NS, 0);
	assert_true(world.sent >= 50 && world.sent <= 53);
	assert_int_equal((timer->at_ns - START_NS) % LINK_PROCESS_BEAT_NS, 0);
}

static void no_client_no_datagram(void **state)
{
	(void)state;
	begin();
	world.process.client = NULL;
	start_beat();
	speak(1, PAYLOAD_LEN);
	pass(SECOND_NS, 0);
	assert_int_equal(world.sent, 0);
	world.process.client = (struct link_client *)(void *)&world;
	pass(SECOND_NS, 0);
	assert_int_equal(world.sent, 50);
}

static void nothing_waits_for_a_slow_voice_process(void **state)
{
	static const uint8_t data[DATAGRAM_LEN] = {ROOM};

	(void)state;
	begin();
	link_beat_deliver(&world.process, BYTES_OF(data));
	assert_int_equal(world.delivered, 1);
	world.queued = 1;
	link_beat_deliver(&world.process, BYTES_OF(data));
	assert_int_equal(world.delivered, 1);
	link_beat_detach(&world.process);
	world.queued = 0;
	link_beat_deliver(&world.process, BYTES_OF(data));
	assert_int_equal(world.delivered, 1);
}

static void wrong_starts(void **state)
{
	static const uint16_t lengths[] = {0, WIRE_DATAGRAM_PAYLOAD_MAX + 1, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct wire_beat_start start = {
			.room = ROOM, .payload_len = lengths[i], .phase_ns = START_NS};

		begin();
		link_beat_start(&world.process, &start);
		pass(SECOND_NS, 0);
		assert_int_equal(world.sent, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_each_slot),
		cmocka_unit_test(frames_take_the_place_of_random),
		cmocka_unit_test(wrong_lengths_are_dropped),
		cmocka_unit_test(a_flood_changes_nothing),
		cmocka_unit_test(late_beats_are_left_out),
		cmocka_unit_test(no_client_no_datagram),
		cmocka_unit_test(nothing_waits_for_a_slow_voice_process),
		cmocka_unit_test(wrong_starts),
	};

	return cmocka_run_group_tests_name("beat", tests, NULL, NULL);
}
