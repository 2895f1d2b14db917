# sotto: `make demo`, `make check`. Everything else is meson's, in build/.
#	make            build/release
#	make check      all tests on build/release; CHECK=clang or CHECK=sanitize for the other builds; SUITES="--suite talk" of them
#	make check-cross  the MLS library and its tests on 32-bit and on big-endian processors, in an emulator
#	make check-release  that a release is the same bytes whoever builds it, where and when
#	make check-all  all of that, and ten seconds of each fuzz target, as CI does
#	make demo       a relay, phones, messages, a call
#	make bench      what things cost
#	make planted    what is wrong on purpose, one after the other in a copy of the tree: simulated networks must find it
#	make sim        whole networks under virtual time: SEEDS of them, from SEED on, JOBS at once (docs/simulator.md)
#	make install    into the prefix (MESON_FLAGS=--prefix=/usr at the first make), beneath DESTDIR if that is set
#	make release    sotto-VERSION.manifest and sotto-VERSION.tar in build/releases (docs/releases.md)
#	make fuzz       every fuzz target under libFuzzer, or TARGETS, SECONDS each
BUILD   ?= build/$(if $(CHECK),$(CHECK),release)
VECTORS ?= $(wildcard ../shared/vectors)
SECONDS ?= 60
SEEDS   ?= 200
SEED    ?= 1
JOBS    ?= $(shell nproc)

flags_build/clang    = CC=clang
flags_build/sanitize = CC=gcc
setup_build/sanitize = -Db_sanitize=address,undefined -Db_lundef=false

all: deps $(BUILD)/build.ninja
	ninja -C $(BUILD)

# Every time: what a later version needs is missing in a build folder of before, too. Quick when nothing is.
deps:
	@tools/deps

$(BUILD)/build.ninja: | deps
	$(flags_$(BUILD)) meson setup $(BUILD) -Dvectors=$(abspath $(VECTORS)) $(setup_$(BUILD)) $(MESON_FLAGS)

check: all
	tests/run $(BUILD) $(SUITES)

check-cross:
	VECTORS=$(abspath $(VECTORS)) tools/cross

check-release: | deps
	nice -n 10 tests/release/reproducible.py

check-all:
	tests/run-all

fuzz:
	tools/fuzz $(SECONDS) $(TARGETS)

# Ends with "N passed, N failed"; what fails is shortened, and shown with the command that repeats it.
sim: $(BUILD)/build.ninja | deps
	ninja -C $(BUILD) sim/sotto-sim sim/sotto-sim-packet
	tools/simulate $(BUILD) --seeds $(SEEDS) --first $(SEED) --jobs $(JOBS) --shorten

planted:
	tests/planted/run --jobs $(JOBS)

# Prints what things cost here, each as a ratio to something measured in the same run where it can.
bench: all
	meson test -C $(BUILD) --benchmark --verbose --no-rebuild

demo: all
	tools/demo $(BUILD)

# Links without phones: they append, watch and talk through a bad network while the relay is killed.
demo-links: all
	tools/demo-links $(BUILD)

release: | deps
	/usr/bin/python3 tools/release.py

install: all
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build

.PHONY: all deps check check-all check-cross check-release release sim planted fuzz bench demo demo-links install clean
