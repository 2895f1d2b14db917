/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two phones and the network between them, under virtual time: raw 16-bit sound at 48 kHz goes into one
 * pipeline, its packets are lost and delayed as told, and what the other plays comes out. The other sends
 * silence back, over a good network: so the first one learns what is lost.
 *
 *	simulate IN OUT [loss=PERCENT] [jitter=SECOND:MS,...] [outage=SECOND:MS] [burst=MEAN]
 *	         [seed=N] [block=SAMPLES] [drift=PPM]
 *
 * jitter J delays each packet by 20 ms and up to J more, evenly; packets overtake each other. Loss comes in
 * runs of MEAN packets. drift makes the listener's clock so much faster. Standard output: one line of
 * numbers for each 100 ms (time, J, target, wait in the buffer), then one with the statistics.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "voice/pipeline.h"

#define NS_PER_MS   UINT64_C(1000000)
#define FLIGHTS_MAX 64 /* on their way at once */
#define STEPS_MAX   16

struct step {
	double second;
	double value;
};

struct scenario {
	double loss;
	double burst;
	double drift;
	struct step jitter[STEPS_MAX];
	unsigned jitter_count;
	struct step outage;
	size_t block;
	uint64_t seed;
};

struct flight {
	uint64_t arrival_ns; /* 0: the place is free */
	uint64_t number;
	uint8_t packet[VOICE_PACKET_LEN];
};

struct simulation {
	struct scenario scenario;
	struct voice_pipeline *speaker;
	struct voice_pipeline *listener;
	struct flight flights[FLIGHTS_MAX];
	uint64_t sent;
	bool in_run;
	FILE *in;
	FILE *out;
};

/* splitmix64 */
static double next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static void parse_steps(const char *text, struct scenario *scenario)
{
	while (*text != '\0' && scenario->jitter_count < STEPS_MAX) {
		struct step *step = &scenario->jitter[scenario->jitter_count++];
		int used = 0;

		if (sscanf(text, "%lf:%lf%n", &step->second, &step->value, &used) != 2)
			exit(2);
		text += used;
		if (*text == ',')
			text++;
	}
}

static void parse(struct scenario *scenario, const char *argument)
{
	const char *value = strchr(argument, '=');

	if (value++ == NULL)
		exit(2);
	if (strncmp(argument, "loss=", 5) == 0)
		scenario->loss = atof(value) / 100;
	else if (strncmp(argument, "burst=", 6) == 0)
		scenario->burst = atof(value);
	else if (strncmp(argument, "drift=", 6) == 0)
		scenario->drift = atof(value);
	else if (strncmp(argument, "seed=", 5) == 0)
		scenario->seed = strtoull(value, NULL, 10);
	else if (strncmp(argument, "block=", 6) == 0)
		scenario->block = strtoull(value, NULL, 10);
	else if (strncmp(argument, "jitter=", 7) == 0)
		parse_steps(value, scenario);
	else if (strncmp(argument, "outage=", 7) != 0 ||
		 sscanf(value, "%lf:%lf", &scenario->outage.second, &scenario->outage.value) != 2)
		exit(2);
}

static double jitter_at(const struct scenario *scenario, double second)
{
	double jitter_ms = 0;

	for (unsigned i = 0; i < scenario->jitter_count; i++)
		if (second >= scenario->jitter[i].second)
			jitter_ms = scenario->jitter[i].value;
	return jitter_ms;
}

/* Gilbert's model: runs of losses of mean length burst. */
static bool lose(struct scenario *scenario, bool *in_run)
{
	double stay = 1 - 1 / scenario->burst;
	double enter = scenario->loss * (1 - stay) / (1 - scenario->loss);

	*in_run = next_random(&scenario->seed) < (*in_run ? stay : enter);
	return *in_run;
}

static struct flight *free_flight(struct simulation *simulation)
{
	for (size_t i = 0; i < FLIGHTS_MAX; i++)
		if (simulation->flights[i].arrival_ns == 0)
			return &simulation->flights[i];
	abort();
}

/* One beat of both phones; false at the end of the sound. */
static bool send_frame(struct simulation *simulation, uint64_t now_ns)
{
	struct scenario *scenario = &simulation->scenario;
	struct flight *flight = free_flight(simulation);
	int16_t samples[VOICE_FRAME_SAMPLES];
	uint8_t back[VOICE_PACKET_LEN];
	double second = (double)now_ns / 1e9;
	double jitter_ms = jitter_at(scenario, second) * next_random(&scenario->seed);
	double outage_ms = (second - scenario->outage.second) * 1000;
	bool lost = lose(scenario, &simulation->in_run) ||
		    (outage_ms >= 0 && outage_ms < scenario->outage.value);

	if (fread(samples, sizeof(*samples), VOICE_FRAME_SAMPLES, simulation->in) <
	    VOICE_FRAME_SAMPLES)
		return false;
	voice_pipeline_get_packet(simulation->listener, back);
	voice_pipeline_put_packet(simulation->speaker, 0, 0, simulation->sent, BYTES_OF(back),
				  now_ns);
	voice_pipeline_put_capture(simulation->speaker, samples, VOICE_FRAME_SAMPLES);
	voice_pipeline_get_packet(simulation->speaker, flight->packet);
	flight->number = simulation->sent++;
	flight->arrival_ns = lost ? 0 : now_ns + 20 * NS_PER_MS + (uint64_t)(jitter_ms * 1e6);
	return true;
}

static struct flight *first_flight(struct simulation *simulation)
{
	struct flight *first = NULL;

	for (size_t i = 0; i < FLIGHTS_MAX; i++) {
		struct flight *flight = &simulation->flights[i];

		if (flight->arrival_ns != 0 &&
		    (first == NULL || flight->arrival_ns < first->arrival_ns))
			first = flight;
	}
	return first;
}

/* What has arrived by now, in the order of its arrival. */
static void deliver(struct simulation *simulation, uint64_t now_ns)
{
	struct flight *flight;

	while ((flight = first_flight(simulation)) != NULL && flight->arrival_ns <= now_ns) {
		voice_pipeline_put_packet(simulation->listener, 0, 0, flight->number,
					  BYTES_OF(flight->packet), flight->arrival_ns);
		flight->arrival_ns = 0;
	}
}

static void print_state(const struct voice_pipeline *pipeline, const struct scenario *scenario,
			uint64_t now_ns)
{
	struct voice_stats stats;

	voice_pipeline_get_stats(pipeline, &stats);
	printf("{\"second\": %.1f, \"jitter_ms\": %.0f, \"target_ms\": %u, \"buffer_ms\": %u}\n",
	       (double)now_ns / 1e9, jitter_at(scenario, (double)now_ns / 1e9), stats.target_ms,
	       stats.jitter_buffer_ms);
}

static void print_stats(const struct voice_pipeline *pipeline)
{
	struct voice_stats stats;

	voice_pipeline_get_stats(pipeline, &stats);
	printf("{\"packets_received\": %llu, \"packets_lost\": %llu, \"packets_late\": %llu, "
	       "\"concealed_ms\": %llu, \"recovered_ms\": %llu, \"late_ms_p99\": %u}\n",
	       (unsigned long long)stats.packets_received, (unsigned long long)stats.packets_lost,
	       (unsigned long long)stats.packets_late, (unsigned long long)stats.concealed_ms,
	       (unsigned long long)stats.recovered_ms, stats.late_ms_p99);
}

static void run(struct simulation *simulation)
{
	const struct scenario *scenario = &simulation->scenario;
	double block_ns = 1e9 * (double)scenario->block / VOICE_RATE / (1 + scenario->drift / 1e6);
	int16_t samples[VOICE_FRAME_SAMPLES];
	uint64_t next_send_ns = VOICE_FRAME_NS;
	uint64_t next_print_ns = 0;
	bool speaking = true;

	for (double now = 0; speaking || first_flight(simulation) != NULL; now += block_ns) {
		uint64_t now_ns = (uint64_t)now;

		for (; speaking && next_send_ns <= now_ns; next_send_ns += VOICE_FRAME_NS)
			speaking = send_frame(simulation, next_send_ns);
		deliver(simulation, now_ns);
		voice_pipeline_get_playout(simulation->listener, samples, scenario->block, now_ns);
		if (fwrite(samples, sizeof(*samples), scenario->block, simulation->out) !=
		    scenario->block)
			abort();
		if (now_ns < next_print_ns)
			continue;
		next_print_ns += 100 * NS_PER_MS;
		print_state(simulation->listener, scenario, now_ns);
	}
	print_stats(simulation->listener);
}

int main(int argc, char **argv)
{
	static struct simulation simulation = {
		.scenario = {.burst = 1, .block = 256, .seed = 1, .outage = {1e9, 0}}};

	if (argc < 3)
		return 2;
	for (int i = 3; i < argc; i++)
		parse(&simulation.scenario, argv[i]);
	if (simulation.scenario.block == 0 || simulation.scenario.block > VOICE_FRAME_SAMPLES)
		return 2;
	simulation.in = fopen(argv[1], "rb");
	simulation.out = fopen(argv[2], "wb");
	if (simulation.in == NULL || simulation.out == NULL ||
	    voice_pipeline_create(&allocator_default, &simulation.speaker) != SOTTO_OK ||
	    voice_pipeline_create(&allocator_default, &simulation.listener) != SOTTO_OK)
		return 1;
	run(&simulation);
	voice_pipeline_destroy(simulation.speaker);
	voice_pipeline_destroy(simulation.listener);
	fclose(simulation.in);
	return fclose(simulation.out) == 0 ? 0 : 1;
}
