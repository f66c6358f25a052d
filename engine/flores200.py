"""The languages of FLORES-200: a table, nothing else. See `engine.languages`."""

# code, ISO 639-1 (that of the macrolanguage where its usual member is meant; - for none), English name
FLORES_200 = """
ace_Arab - Acehnese in Arabic script
ace_Latn - Acehnese
acm_Arab - Mesopotamian Arabic
acq_Arab - Ta'izzi-Adeni Arabic
aeb_Arab - Tunisian Arabic
afr_Latn af Afrikaans
ajp_Arab - South Levantine Arabic
aka_Latn ak Akan
als_Latn sq Tosk Albanian
amh_Ethi am Amharic
apc_Arab - North Levantine Arabic
arb_Arab ar Modern Standard Arabic
arb_Latn - Modern Standard Arabic in Latin script
ars_Arab - Najdi Arabic
ary_Arab - Moroccan Arabic
arz_Arab - Egyptian Arabic
asm_Beng as Assamese
ast_Latn - Asturian
awa_Deva - Awadhi
ayr_Latn ay Central Aymara
azb_Arab - South Azerbaijani
azj_Latn az North Azerbaijani
bak_Cyrl ba Bashkir
bam_Latn bm Bambara
ban_Latn - Balinese
bel_Cyrl be Belarusian
bem_Latn - Bemba
ben_Beng bn Bangla
bho_Deva - Bhojpuri
bjn_Arab - Banjar in Arabic script
bjn_Latn - Banjar
bod_Tibt bo Tibetan
bos_Latn bs Bosnian
bug_Latn - Buginese
bul_Cyrl bg Bulgarian
cat_Latn ca Catalan
ceb_Latn - Cebuano
ces_Latn cs Czech
cjk_Latn - Chokwe
ckb_Arab - Central Kurdish
crh_Latn - Crimean Tatar
cym_Latn cy Welsh
dan_Latn da Danish
deu_Latn de German
dik_Latn - Southwestern Dinka
dyu_Latn - Dyula
dzo_Tibt dz Dzongkha
ell_Grek el Greek
eng_Latn en English
epo_Latn eo Esperanto
est_Latn et Estonian
eus_Latn eu Basque
ewe_Latn ee Ewe
fao_Latn fo Faroese
fij_Latn fj Fijian
fin_Latn fi Finnish
fon_Latn - Fon
fra_Latn fr French
fur_Latn - Friulian
fuv_Latn ff Nigerian Fulfulde
gaz_Latn om West Central Oromo
gla_Latn gd Scottish Gaelic
gle_Latn ga Irish
glg_Latn gl Galician
grn_Latn gn Guarani
guj_Gujr gu Gujarati
hat_Latn ht Haitian Creole
hau_Latn ha Hausa
heb_Hebr he Hebrew
hin_Deva hi Hindi
hne_Deva - Chhattisgarhi
hrv_Latn hr Croatian
hun_Latn hu Hungarian
hye_Armn hy Armenian
ibo_Latn ig Igbo
ilo_Latn - Iloko
ind_Latn id Indonesian
isl_Latn is Icelandic
ita_Latn it Italian
jav_Latn jv Javanese
jpn_Jpan ja Japanese
kab_Latn - Kabyle
kac_Latn - Kachin
kam_Latn - Kamba
kan_Knda kn Kannada
kas_Arab ks Kashmiri
kas_Deva ks Kashmiri in Devanagari script
kat_Geor ka Georgian
kaz_Cyrl kk Kazakh
kbp_Latn - Kabiyè
kea_Latn - Kabuverdianu
khk_Cyrl mn Halh Mongolian
khm_Khmr km Khmer
kik_Latn ki Kikuyu
kin_Latn rw Kinyarwanda
kir_Cyrl ky Kyrgyz
kmb_Latn - Kimbundu
kmr_Latn ku Northern Kurdish
knc_Arab kr Central Kanuri in Arabic script
knc_Latn kr Central Kanuri
kon_Latn kg Kongo
kor_Hang ko Korean
lao_Laoo lo Lao
lij_Latn - Ligurian
lim_Latn li Limburgish
lin_Latn ln Lingala
lit_Latn lt Lithuanian
lmo_Latn - Lombard
ltg_Latn - Latgalian
ltz_Latn lb Luxembourgish
lua_Latn - Luba-Lulua
lug_Latn lg Ganda
luo_Latn - Luo
lus_Latn - Mizo
lvs_Latn lv Standard Latvian
mag_Deva - Magahi
mai_Deva - Maithili
mal_Mlym ml Malayalam
mar_Deva mr Marathi
min_Arab - Minangkabau in Arabic script
min_Latn - Minangkabau
mkd_Cyrl mk Macedonian
mlt_Latn mt Maltese
mni_Beng - Manipuri
mos_Latn - Mossi
mri_Latn mi Māori
mya_Mymr my Burmese
nld_Latn nl Dutch
nno_Latn nn Norwegian Nynorsk
nob_Latn nb Norwegian Bokmål
npi_Deva ne Nepali
nqo_Nkoo - N’Ko
nso_Latn - Northern Sotho
nus_Latn - Nuer
nya_Latn ny Nyanja
oci_Latn oc Occitan
ory_Orya or Odia
pag_Latn - Pangasinan
pan_Guru pa Punjabi
pap_Latn - Papiamento
pbt_Arab ps Southern Pashto
pes_Arab fa Western Persian
plt_Latn mg Plateau Malagasy
pol_Latn pl Polish
por_Latn pt Portuguese
prs_Arab - Dari
quy_Latn qu Ayacucho Quechua
ron_Latn ro Romanian
run_Latn rn Rundi
rus_Cyrl ru Russian
sag_Latn sg Sango
san_Deva sa Sanskrit
sat_Olck - Santali
scn_Latn - Sicilian
shn_Mymr - Shan
sin_Sinh si Sinhala
slk_Latn sk Slovak
slv_Latn sl Slovenian
smo_Latn sm Samoan
sna_Latn sn Shona
snd_Arab sd Sindhi
som_Latn so Somali
sot_Latn st Southern Sotho
spa_Latn es Spanish
srd_Latn sc Sardinian
srp_Cyrl sr Serbian
ssw_Latn ss Swati
sun_Latn su Sundanese
swe_Latn sv Swedish
swh_Latn sw Swahili
szl_Latn - Silesian
tam_Taml ta Tamil
taq_Latn - Tamasheq
taq_Tfng - Tamasheq in Tifinagh script
tat_Cyrl tt Tatar
tel_Telu te Telugu
tgk_Cyrl tg Tajik
tgl_Latn tl Tagalog
tha_Thai th Thai
tir_Ethi ti Tigrinya
tpi_Latn - Tok Pisin
tsn_Latn tn Tswana
tso_Latn ts Tsonga
tuk_Latn tk Turkmen
tum_Latn - Tumbuka
tur_Latn tr Turkish
twi_Latn tw Twi
tzm_Tfng - Central Atlas Tamazight
uig_Arab ug Uyghur
ukr_Cyrl uk Ukrainian
umb_Latn - Umbundu
urd_Arab ur Urdu
uzn_Latn uz Northern Uzbek
vec_Latn - Venetian
vie_Latn vi Vietnamese
war_Latn - Waray
wol_Latn wo Wolof
xho_Latn xh Xhosa
ydd_Hebr yi Eastern Yiddish
yor_Latn yo Yoruba
yue_Hant - Cantonese
zho_Hans zh Simplified Chinese
zho_Hant zh Traditional Chinese
zsm_Latn ms Standard Malay
zul_Latn zu Zulu
"""

# Other names: macrolanguages (ISO 639-1 and -3), usual English names, what NLLB calls otherwise, and the bibliographic
# and withdrawn codes of ISO 639.
ALIASES = """
als_Latn sqi albanian
arb_Arab ara arabic
ayr_Latn aym aymara
azj_Latn aze azerbaijani
ckb_Arab sorani
est_Latn ekk
fuv_Latn ful fulah
gaz_Latn orm oromo
grn_Latn gug guarani
khk_Cyrl mon mongolian
kmr_Latn kur kurdish kurmanji
lvs_Latn lav latvian
mya_Mymr myanmar
nob_Latn no nor norwegian
npi_Deva nep nepali
ory_Orya ori oriya
pbt_Arab pus pashto
pes_Arab fas persian farsi
plt_Latn mlg malagasy
quy_Latn que quechua
ron_Latn moldovan
sat_Olck sat_beng
swh_Latn swa
tgl_Latn fil filipino
uzn_Latn uzb uzbek
ydd_Hebr yid yiddish
zho_Hans cmn chi chinese mandarin 中文 zh_cn cmn_hans
zho_Hant cmn_hant
zsm_Latn msa malay
als_Latn alb
bod_Tibt tib
ces_Latn cze
cym_Latn wel
deu_Latn ger
ell_Grek gre
eus_Latn baq
fra_Latn fre
heb_Hebr iw
hye_Armn arm
ind_Latn in
isl_Latn ice
jav_Latn jw
kat_Geor geo
ckb_Arab ku_arab ku_iq ku_ir kur_arab kur_iq kur_ir
prs_Arab fa_af fas_af per_af
mkd_Cyrl mac
mri_Latn mao
mya_Mymr bur
nld_Latn dut
pes_Arab per
ron_Latn rum mo
slk_Latn slo
ydd_Hebr ji
zsm_Latn may
"""
