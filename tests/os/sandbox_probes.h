/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things that a process in a sandbox may try. A probe returns 0 if it worked, else its errno; what
 * it needs is opened by probes_prepare, before the sandbox.
 */
#ifndef TESTS_OS_SANDBOX_PROBES_H
#define TESTS_OS_SANDBOX_PROBES_H

#include <stdbool.h>

struct probes {
	char directory[64]; /* the one that a profile may use */
	char inside[96];    /* a file in it */
	char outside[64];   /* a file elsewhere, that could be written and removed */
	char program[4096]; /* one of ours */
	int udp;	    /* open UDP socket */
	int tcp;	    /* open TCP socket, not connected */
	int tcp_listener;
	int listener; /* AF_UNIX, with a client that waits */
	int client;
	int tcp_port;
	int parent; /* process to signal */
};

struct probe {
	const char *name;
	int (*run)(const struct probes *probes);
	/* One character for each profile, in the order of enum os_profile: '+' works, '-' is
	 * refused, 's' is refused except in a sanitizer build. */
	const char *expected;
	bool needs_root; /* for the control, in which everything works */
};

extern const struct probe sandbox_probes[];
extern const unsigned sandbox_probes_count;

/* Both assert. */
void probes_prepare(struct probes *probes);
void probes_finish(struct probes *probes);

#endif
