// Who frees what libwebp hands out.
#pragma once

#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <memory>

namespace beholder::media {

struct FreeWebp {
  void operator()(WebPDemuxer* p) const { WebPDemuxDelete(p); }
  void operator()(WebPAnimDecoder* p) const { WebPAnimDecoderDelete(p); }
  void operator()(WebPAnimEncoder* p) const { WebPAnimEncoderDelete(p); }
};

}  // namespace beholder::media
