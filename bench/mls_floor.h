/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a group's cost is cryptography that cannot be left out: signatures to verify and keys to encapsulate, by the
 * bare functions of crypto/. Measured beside what it is compared with, so that what else the machine does hits both.
 */
#ifndef BENCH_MLS_FLOOR_H
#define BENCH_MLS_FLOOR_H

#include "bench/mls_world.h"

/* Milliseconds of one operation, the least of several runs. */
struct floor_costs {
	double verify_leaf_ms;	  /* a signature of a message as long as a leaf */
	double verify_package_ms; /* as long as a key package */
	double encap_ms;
	double decap_ms;
};

void floor_measure(const struct world *world, struct floor_costs *costs);

/* The group and its first commit: of each newcomer both signatures (10.1), and a key to seal its secrets (12.4.3.1). */
double floor_create_ms(const struct floor_costs *costs, uint32_t n);

/* Joining: a signature of each leaf and of the group info, our secrets (12.4.3.1). */
double floor_join_ms(const struct floor_costs *costs, uint32_t n);

/* A verified Ed25519 signature of a message of this length. */
double floor_verify_ms(size_t message_len);

#endif
