/* SPDX-License-Identifier: Apache-2.0 */
/* One network for a test, and what its phones ask the relay. A status is that of network_status. */
#ifndef TESTS_RELAY_REQUESTS_H
#define TESTS_RELAY_REQUESTS_H

#include "tests/relay/network.h"

#define OK	WIRE_STATUS_OK
#define REFUSED WIRE_STATUS_REFUSED
#define OTHER	255

extern struct network network;
extern const uint8_t access_key[WIRE_KEY_LEN]; /* number 1 */
extern const uint8_t next_key[WIRE_KEY_LEN];   /* to be installed as number 2 */
extern const uint8_t porch_key[WIRE_KEY_LEN];
extern struct fixture_drop porch;

uint8_t found(size_t phone);
uint8_t install(size_t phone, uint64_t number, const uint8_t *key);
uint8_t prove(size_t phone, uint64_t number, const uint8_t *secret);
uint8_t append_len(size_t phone, const struct fixture_drop *drop, uint32_t number, size_t len);
uint8_t append(size_t phone, const struct fixture_drop *drop, uint32_t number);
uint8_t read_drop(size_t phone, const struct fixture_drop *drop);
uint64_t watch(size_t phone, const struct fixture_drop *drop);

/* For cmocka. Founded: phone 0 is there with the access key. */
int setup(void **state);
int setup_founded(void **state);
int teardown(void **state);

#endif
