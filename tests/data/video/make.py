"""Expected keep-lists and logits of PyramidDrop and FastV on prompts with videos.

An implementation of its own over transformers' layers (5.18.0, torch 2.13.0, CPU, float32, eager): tests/data/video/expected.json.
Run with the folder of the parity data: python make.py ../parity
"""
import json
import sys
from pathlib import Path

import torch
from PIL import Image
from transformers import (CLIPImageProcessorPil, LlavaNextVideoForConditionalGeneration,
                          LlavaOnevisionForConditionalGeneration, VideoLlavaForConditionalGeneration)
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb, repeat_kv

PARITY = Path(sys.argv[1])
CASES = [("llava-next-video-112", LlavaNextVideoForConditionalGeneration, ["one_video", "two_videos"]),
         ("llava-onevision-62", LlavaOnevisionForConditionalGeneration, ["one_video", "video_single_frame"]),
         ("video-llava-56", VideoLlavaForConditionalGeneration, ["one_video", "short_video"])]
STAGES = {1: 0.5, 2: 0.25, 3: 0.125}
FASTV_LAYER = 2


def frames(folder, videos):
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    square = "shortest_edge" not in settings["size"]
    processor = CLIPImageProcessorPil(size=settings["size"], crop_size=settings.get("crop_size"), do_center_crop=not square,
                                      image_mean=settings["image_mean"], image_std=settings["image_std"], resample=3)
    return torch.stack([processor([Image.open(PARITY / f) for f in v], return_tensors="pt")["pixel_values"] for v in videos])


def embeddings(model, folder, case):
    """Rows that enter the decoder, [1, rows, hidden], and (start, length) of each video."""
    ids, blocks = [], []
    for item in case["input_ids_rle"]:
        if isinstance(item, list):
            blocks.append((len(ids), item[1]))
            ids += [item[0]] * item[1]
        else:
            ids.append(item)
    caught = {}
    hook = model.model.language_model.register_forward_pre_hook(
        lambda module, args, kwargs: caught.update(rows=kwargs["inputs_embeds"]), with_kwargs=True)
    videos = frames(folder, case["videos"])
    model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), pixel_values_videos=videos)
    hook.remove()
    return caught["rows"], blocks


def last_row(decoder, layer, hidden, positions):
    """Attention of the last row in a layer, mean over heads, [rows]."""
    block = decoder.layers[layer]
    x = block.input_layernorm(hidden)
    width = block.self_attn.head_dim
    shape = (1, x.shape[1], -1, width)
    q = block.self_attn.q_proj(x).view(shape).transpose(1, 2)
    k = block.self_attn.k_proj(x).view(shape).transpose(1, 2)
    q, k = apply_rotary_pos_emb(q, k, *decoder.rotary_emb(x, positions))
    k = repeat_kv(k, q.shape[1] // k.shape[1])
    return torch.softmax(q[:, :, -1:] @ k.transpose(2, 3) * width ** -0.5, -1).mean(1)[0, 0]


def run(decoder, layer, hidden, positions):
    n = hidden.shape[1]
    mask = torch.full((n, n), torch.finfo(torch.float32).min).triu(1)[None, None]
    out = decoder.layers[layer](hidden, attention_mask=mask, position_ids=positions,
                                position_embeddings=decoder.rotary_emb(hidden, positions))
    return out[0] if isinstance(out, tuple) else out


def prune(decoder, rows, blocks, cut, renumber):
    """cut(layer, hidden, previous input, positions) gives scores or None, and the number to keep of a block."""
    hidden, positions = rows, torch.arange(rows.shape[1])[None]
    origin = torch.arange(rows.shape[1])
    before, kept = None, []
    for layer in range(len(decoder.layers)):
        scores, count = cut(layer, hidden, before, positions)
        if scores is not None:
            stay = torch.ones(len(origin), dtype=torch.bool)
            for start, length in blocks:
                inside = ((origin >= start) & (origin < start + length)).nonzero()[:, 0]
                stay[inside] = False
                chosen = inside[torch.sort(scores[inside], descending=True, stable=True).indices[:count(length)]].sort().values
                stay[chosen] = True
                kept.append({"layer": layer, "kept": (origin[chosen] - start).tolist()})
            hidden, positions, origin = hidden[:, stay], positions[:, stay], origin[stay]
            if renumber:
                positions = torch.arange(len(origin))[None]
        before = (hidden, positions)
        hidden = run(decoder, layer, hidden, positions)
    return kept, decoder.norm(hidden)[0, -1]


def main():
    torch.set_num_threads(1)
    result = []
    for name, kind, wanted in CASES:
        folder = PARITY / "models" / name
        golden = json.loads((PARITY / "goldens" / "models" / (name + ".json")).read_text())
        model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        decoder = model.model.language_model
        for case in [c for c in golden["cases"] if c["id"] in wanted]:
            with torch.no_grad():
                rows, blocks = embeddings(model, folder, case)
                for method, cut, renumber in [
                        ("pyramiddrop", lambda layer, hidden, before, at: (None, None) if layer not in STAGES else
                            (last_row(decoder, layer, hidden, at), lambda length: int(length * STAGES[layer])), True),
                        ("fastv", lambda layer, hidden, before, at: (None, None) if layer != FASTV_LAYER else
                            (last_row(decoder, layer - 1, *before), lambda length: round(length * 0.5)), False)]:
                    kept, last = prune(decoder, rows, blocks, cut, renumber)
                    logits = model.lm_head(last)
                    result.append({"model": name, "case": case["id"], "method": method, "cuts": kept,
                                   "top": int(logits.argmax()), "logits": [round(float(x), 5) for x in logits[::16]]})
    lines = ",\n".join(json.dumps(r, separators=(",", ":")) for r in result)
    Path(__file__).with_name("expected.json").write_text("[\n" + lines + "\n]\n")


main()
