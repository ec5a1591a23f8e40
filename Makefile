# make demo     compress a real sentence encoder and compare it with the original
# make test     everything that must hold, in minutes
# make install PREFIX=/usr/local     library, headers, pkg-config and CMake files
# make nightly | mutants | bench     the long runs

VERSION := 0.1.0
PREFIX  ?= /usr/local
PYTHON  ?= python3
VENV    := .venv
PY      := $(VENV)/bin/python
LIBRARY := build/libttkit.so
SOURCES := Package.swift $(shell find Sources include packaging -type f)
export TTKIT_LIBRARY := $(CURDIR)/$(LIBRARY)

.PHONY: all demo test install deps clean format

all: $(LIBRARY)

# One scratch folder for these flags: SwiftPM rebuilds everything when flags change in a folder.
$(LIBRARY): $(SOURCES) | deps
	swift build -c release --product ttkit --scratch-path .build/shared \
	  -Xswiftc -static-stdlib -Xswiftc -use-ld=lld \
	  -Xlinker -soname=libttkit.so.0 -Xlinker --version-script=$(CURDIR)/packaging/ttkit.map \
	  -Xlinker -z -Xlinker nodelete -Xlinker --gc-sections
	mkdir -p build
	scripts/strip-library .build/shared/release/libttkit.so $@

install: $(LIBRARY)
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/lib/cmake/ttkit \
	  $(DESTDIR)$(PREFIX)/include/ttkit
	install -m 755 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/libttkit.so.$(VERSION)
	ln -sf libttkit.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libttkit.so.0
	ln -sf libttkit.so.0 $(DESTDIR)$(PREFIX)/lib/libttkit.so
	install -m 644 include/ttkit.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 include/ttkit/*.h $(DESTDIR)$(PREFIX)/include/ttkit/
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' packaging/ttkit.pc.in \
	  > $(DESTDIR)$(PREFIX)/lib/pkgconfig/ttkit.pc
	install -m 644 packaging/ttkit-config.cmake $(DESTDIR)$(PREFIX)/lib/cmake/ttkit/
	sed 's|@VERSION@|$(VERSION)|' packaging/ttkit-config-version.cmake.in \
	  > $(DESTDIR)$(PREFIX)/lib/cmake/ttkit/ttkit-config-version.cmake

deps:
	@scripts/install-dependencies

format:
	swift format --in-place --recursive Sources Tests Package.swift

clean:
	rm -rf .build build
