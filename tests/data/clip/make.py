"""Makes the CLIP folder and the expected values of this directory; see README.md. Nothing here uses the engine.

Run in this directory with torch, transformers 5, tokenizers, safetensors and Pillow: python make.py
"""
import json
import math
import shutil
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (AutoImageProcessor, CLIPModel, CLIPTextConfig, CLIPTextModelWithProjection, LlavaForConditionalGeneration,
                          LlavaNextForConditionalGeneration)

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "clip-vit-tiny-text"
PARITY = HERE.parent / "parity"
SEGMENT = 77
VOCABULARY = 256 + 256 + 110 + 2
WORDS = """what is shown in this picture the colour of the small round sign how many people are there on a table left
behind red green blue yellow circle square triangle star describe all objects and say which one stands next to another"""
LONG = " ".join(f"Is object number {i} behind the {c} star, or on the left of the table?" for i, c in
                enumerate(["red", "green", "blue", "yellow"] * 3))
TEXTS = ["What is this?", "How many people are behind the small red sign on the left?", "",
         "Quelle est la couleur du panneau \u00e0 droite ? \u770b\u677f\u306e\u8272 \U0001f6a6", LONG]
MODELS = {"llava15-mha-56": LlavaForConditionalGeneration, "llava-next-mistral-84": LlavaNextForConditionalGeneration}
PICTURE = "images/shapes_640x427.png"


def tokenizer():
    """CLIP's tokenizer, cut down: the same rules, 110 merges learned from a few words, begin and end of text as the two largest ids."""
    split = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    rules = dict(normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
                 pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), behavior="removed", invert=True),
                                                        pre_tokenizers.ByteLevel(add_prefix_space=False)]))
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer, learner.pre_tokenizer = rules["normalizer"], rules["pre_tokenizer"]
    learner.train_from_iterator([WORDS] * 5, trainers.BpeTrainer(vocab_size=400, end_of_word_suffix="</w>", show_progress=False))
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in json.loads(learner.to_str())["model"]["merges"]][:110]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = letters + [letter + "</w>" for letter in letters] + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    ids = {token: i for i, token in enumerate(tokens)}
    assert len(ids) == len(tokens) == VOCABULARY
    made = Tokenizer(models.BPE(ids, merges, continuing_subword_prefix="", end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    made.normalizer, made.pre_tokenizer = rules["normalizer"], rules["pre_tokenizer"]
    made.post_processor = processors.RobertaProcessing(("<|endoftext|>", VOCABULARY - 1), ("<|startoftext|>", VOCABULARY - 2), trim_offsets=False,
                                                       add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    return made


def folder():
    """The CLIP of the parity checkpoints, whose vision tower llava15-mha-56 has, with a text tower worth the name."""
    FOLDER.mkdir(exist_ok=True)
    source = PARITY / "models/clip-vit-tiny-patch14-56"
    config = json.loads((source / "config.json").read_text())
    # eos_token_id 2 is the mistake that openai's published files carry
    config["text_config"] = dict(model_type="clip_text_model", hidden_size=16, intermediate_size=32, num_attention_heads=2,
                                 num_hidden_layers=2, max_position_embeddings=SEGMENT, vocab_size=VOCABULARY, projection_dim=16,
                                 bos_token_id=0, eos_token_id=2, pad_token_id=1)
    (FOLDER / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.copy(source / "preprocessor_config.json", FOLDER)
    tokenizer().save(str(FOLDER / "tokenizer.json"), pretty=False)
    torch.manual_seed(1)
    text = CLIPTextModelWithProjection(CLIPTextConfig(**config["text_config"])).state_dict()
    for name, value in text.items():
        noise = torch.randn(value.shape)
        if "norm" in name:
            text[name] = (1 if name.endswith("weight") else 0) + 0.2 * noise
        else:
            text[name] = noise * (0.1 if name.endswith("bias") else 0.8 if "embedding" in name else 0.4)
    weights = {n: w for n, w in load_file(source / "model.safetensors").items() if not n.startswith("text_") and "position_ids" not in n}
    weights.update(text)
    save_file({n: w.contiguous() for n, w in weights.items()}, FOLDER / "model.safetensors", metadata={"format": "pt"})


def segments(ids):
    """As the public code does: zeros behind, mask zero there, rows of 77."""
    rows = (len(ids) - 1) // SEGMENT + 1
    zeros = [0] * (rows * SEGMENT - len(ids))
    return torch.tensor(ids + zeros).reshape(rows, -1), torch.tensor([1] * len(ids) + zeros).reshape(rows, -1)


def text_side(ids, **changes):
    tower = CLIPTextModelWithProjection.from_pretrained(FOLDER, dtype=torch.float32, attn_implementation="eager", **changes).eval()
    rows, mask = segments(ids)
    out = tower(input_ids=rows, attention_mask=mask)
    return out.text_embeds, tower.text_projection(out.last_hidden_state)


def image_side(name):
    """Embeddings of the patches [tiles, patches, 16], and projected rows [tiles, patches, hidden]."""
    model = MODELS[name].from_pretrained(PARITY / "models" / name, dtype=torch.float32, attn_implementation="eager").eval()
    clip = CLIPModel.from_pretrained(FOLDER, dtype=torch.float32).eval()
    processor = AutoImageProcessor.from_pretrained(PARITY / "models" / name, backend="pil")
    pixels = processor(images=Image.open(PARITY / PICTURE).convert("RGB"), return_tensors="pt")["pixel_values"]
    tower = model.model.vision_tower
    hidden = tower(pixels.reshape(-1, *pixels.shape[-3:]), output_hidden_states=True).hidden_states[-2][:, 1:]
    return clip.visual_projection(clip.vision_model.post_layernorm(hidden)), model.model.multi_modal_projector(hidden)


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def cdpruner(image, rows, pooled, budget):
    relevance = -(unit(image) @ unit(pooled).T).mean(-1)
    r = (relevance - relevance.min() + 1e-6) / (relevance.max() - relevance.min())
    kept = []
    for tile in range(len(rows)):
        v = unit(rows[tile])
        kernel = r[tile][:, None] * (v @ v.T) * r[tile][None, :]
        gain, basis, chosen = kernel.diagonal().clone(), [], []
        for _ in range(budget // len(rows)):
            j = int(gain.argmax())
            chosen.append(j)
            e = kernel[j].clone()
            for c in basis:
                e -= c[j] * c
            e /= gain[j].sqrt()
            basis.append(e)
            gain -= e * e
            gain[chosen] = -math.inf
        kept += [tile * rows.shape[1] + j for j in sorted(chosen)]
    return kept


def eadp(image, rows, pooled, tokens, budget, alpha=0.5, beta=1.0):
    relevance = torch.empty(image.shape[:2], dtype=image.dtype)
    for tile in range(len(image)):
        whole = -(unit(image[tile]) @ unit(pooled).T).mean(-1)
        parts = []
        for segment in tokens:
            single = -(unit(segment) @ unit(image[tile]).T)
            spread = (single * 100).softmax(-1)
            entropy = -(spread * (spread + 1e-12).log()).sum(-1)
            low = entropy.argsort(stable=True)[:int(SEGMENT * 0.2)]
            parts.append((-entropy[low] / (0.01 + 1e-6)).softmax(0) @ single[low])
        relevance[tile] = alpha * whole + (1 - alpha) * torch.stack(parts).mean(0)
    scaled = (relevance - relevance.min() + 1e-6) / (relevance.max() - relevance.min() + 1e-6)
    side = math.isqrt(image.shape[1])
    line = torch.tensor([-1.0, 0.0, 1.0], dtype=image.dtype)
    kernel = (-(line[:, None] ** 2 + line[None, :] ** 2) / 2).exp()
    wide = torch.nn.functional.pad(scaled.reshape(-1, 1, side, side), (1, 1, 1, 1), mode="reflect")
    importance = torch.nn.functional.conv2d(wide, (kernel / kernel.sum())[None, None]).reshape(scaled.shape) ** beta
    kept = []
    for tile in range(len(rows)):
        quota = budget
        if len(rows) > 1:
            quota = max(1, int(importance[tile].sum() / (importance.sum() + 1e-6) * budget))
        v = unit(rows[tile])
        alike = ((v @ v.T).clamp(-1, 1) + 1) / 2
        covered, chosen = torch.zeros_like(importance[tile]), []
        for _ in range(quota):
            gain = (importance[tile][None, :] * (torch.maximum(alike, covered[None, :]) - covered[None, :])).sum(-1)
            gain[chosen] = -math.inf
            chosen.append(int(gain.argmax()))
            covered = torch.maximum(covered, alike[chosen[-1]])
        kept += [tile * rows.shape[1] + j for j in sorted(chosen)]
    return kept


def main():
    torch.set_num_threads(1)
    folder()
    reader = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    tensors, texts, choices = {}, [], []
    for i, text in enumerate(TEXTS):
        ids = reader.encode(text).ids
        pooled, tokens = text_side(ids)
        tensors[f"text.{i}.pooled"], tensors[f"text.{i}.tokens"] = pooled, tokens
        tensors[f"text.{i}.pooled_eos"] = text_side(ids, eos_token_id=VOCABULARY - 1)[0]
        tensors[f"text.{i}.pooled_gelu"] = text_side(ids, hidden_act="gelu")[0]
        texts.append(dict(text=text, ids=ids))
    for name in MODELS:
        image, rows = image_side(name)
        tensors[f"image.{name}"] = image
        for i in range(len(TEXTS)):
            pooled, tokens = tensors[f"text.{i}.pooled"], tensors[f"text.{i}.tokens"]
            for budget in ([4, 7] if len(image) == 1 else [10, 25]):
                for method, choose in (("cdpruner", lambda *x: cdpruner(*x[:3], x[4])), ("eadp", eadp)):
                    kept = choose(image, rows, pooled, tokens, budget)
                    wide = choose(*(x.double() for x in (image, rows, pooled, tokens)), budget)
                    assert kept == wide, "a choice that rounding decides proves nothing"
                    choices.append(dict(model=name, image=PICTURE, text=i, method=method, budget=budget, kept=kept))
    save_file({n: t.detach().contiguous() for n, t in tensors.items()}, HERE / "expected.safetensors")
    lines = lambda rows: "[\n  " + ",\n  ".join(json.dumps(row) for row in rows) + "\n ]"
    (HERE / "expected.json").write_text('{\n "texts": ' + lines(texts) + ',\n "choices": ' + lines(choices) + "\n}\n")


if __name__ == "__main__":
    with torch.no_grad():
        main()
